// SPDX-License-Identifier: Apache-2.0
import { Option, type Command } from 'commander';
import type { ImportFlags } from '../import/import-command.js';
import type { CommandContext } from '../declare-command.js';
import { toolNames } from '../import/tool-names.js';

/** `llmf import FILE --from TOOL`, `llmf import --from TOOL -- FLAGS` */
export function declareImport(program: Command, { io }: CommandContext): void {
  program
    .command('import')
    .summary('a config of another tool as one of llmf')
    .description(
      'Print the config that a file, or (behind --) the flags, of another tool amount to. What each option became, or why it has no effect here, is told on standard error; one that cannot be taken over is an error.',
    )
    .argument(
      '[file or flags...]',
      'a YAML or JSON file of that tool, with keys of ours over it (data.train=…); or its flags behind --',
    )
    .addOption(new Option('--from <tool>', 'whose they are').choices([...toolNames]).makeOptionMandatory())
    .option('--output <file>', 'write the config there')
    .action(async (words: string[], flags: ImportFlags) => {
      const { importCommand } = await import('../import/import-command.js');
      await importCommand(io, words, flags);
    });
}
