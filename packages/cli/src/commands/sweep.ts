// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CommandContext } from '../declare-command.js';

/** `llmf sweep FILE [--resume]` */
export function declareSweep(program: Command, { io, setStatus }: CommandContext): void {
  program
    .command('sweep')
    .summary('train many times, with parameters that a search chooses')
    .description(
      'Train a config many times with parameters chosen by grid, random or TPE, end those that fall behind, and write a report. Trials are kept in Optuna’s journal.',
    )
    .argument('<sweep>', 'a YAML, JSON or .mjs file with the space to search')
    .option('--resume', 'continue: trials that have ended are kept, those under way go on from their checkpoints')
    .action(async (file: string, { resume = false }: { resume?: boolean }) => {
      const { sweepCommand } = await import('../sweep/sweep-command.js');
      setStatus(await sweepCommand(io, file, { resume }));
    });
}
