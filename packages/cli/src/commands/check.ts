// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CommandContext } from '../declare-command.js';
import { collect } from './collect.js';

/** `llmf check [CONFIG] [--plugin NAME]… [key=value]…` */
export function declareCheck(program: Command, { io }: CommandContext): void {
  program
    .command('check')
    .summary('look at config, data and memory without training')
    .description(
      'Check a config and its data without training: the template against the tokenizer, the first example with what is learned of it, lengths, dropped and truncated rows with reasons, and an estimate of the memory.',
    )
    .argument('[config or key=value...]', 'the config, and keys that override it')
    .option('--plugin <name>', 'load a plugin; may be given several times', collect)
    .option('--all-rows', 'list every dropped or truncated row, not only the first twenty')
    .action(
      async (words: string[], { plugin: plugins = [], allRows = false }: { plugin?: string[]; allRows?: boolean }) => {
        const { checkCommand } = await import('../check-command.js');
        await checkCommand(io, words, { plugins, allRows });
      },
    );
}
