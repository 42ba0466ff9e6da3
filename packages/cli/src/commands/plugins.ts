// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CommandContext } from '../declare-command.js';
import { collect } from './collect.js';

/** `llmf plugins [CONFIG] [--plugin NAME]…` */
export function declarePlugins(program: Command, { io }: CommandContext): void {
  program
    .command('plugins')
    .summary('list loaded and installed plugins')
    .description('List the plugins that are loaded, with what each brings, and those that are installed here.')
    .argument('[config]', 'a config whose plugins are loaded too')
    .option('--plugin <name>', 'load a plugin; may be given several times', collect)
    .action(async (config: string | undefined, { plugin: plugins = [] }: { plugin?: string[] }) => {
      const { pluginsCommand } = await import('../plugins-command.js');
      await pluginsCommand(io, config, plugins);
    });
}
