// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CommandContext } from '../declare-command.js';
import { collect } from './collect.js';

/** `llmf schema [CONFIG] [--plugin NAME]…` */
export function declareSchema(program: Command, { io }: CommandContext): void {
  program
    .command('schema')
    .summary('print the JSON Schema of the config')
    .description(
      'Print the JSON Schema of the config as the loaded plugins read it. An editor completes and checks a config that names it: `# yaml-language-server: $schema=llmf.schema.json`, or "$schema" in JSON.',
    )
    .argument('[config]', 'a config whose plugins are loaded too')
    .option('--plugin <name>', 'load a plugin; may be given several times', collect)
    .action(async (config: string | undefined, { plugin: plugins = [] }: { plugin?: string[] }) => {
      const { schemaCommand } = await import('../schema-command.js');
      await schemaCommand(io, config, plugins);
    });
}
