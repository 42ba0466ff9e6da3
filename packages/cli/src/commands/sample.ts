// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { SampleFlags } from '../comparisons/sample-command.js';
import type { CommandContext } from '../declare-command.js';
import { wholeNumberTo } from './numbers.js';
import { addSamplingOptions } from './sampling-options.js';

/** Those of sixteen prompts are held until all of them are written. */
const mostAnswers = 10_000;

/** `llmf sample DATA --model DIR --output FILE [--answers N] [--resume]` */
export function declareSample(program: Command, { io, setStatus }: CommandContext): void {
  const command = program
    .command('sample')
    .summary('several answers to every prompt of a data file')
    .description(
      'Write several answers to every prompt of a data file, one JSON object a line: what `llmf label` turns into preference rows. An answer depends on the seed, its prompt and its number alone.',
    )
    .argument('<data>', 'a file as training reads it; of rows with answers the prompts are taken')
    .requiredOption('--output <file>', 'where the lines go')
    .option('--answers <n>', 'answers to each prompt', wholeNumberTo(mostAnswers), 2)
    .option('--format <name>', 'row format; detected from the columns when left out')
    .option('--resume', 'continue after the prompts that are answered already');
  addSamplingOptions(command).action(async (data: string, settings: string[], flags: SampleFlags) => {
    const { sampleCommand } = await import('../comparisons/sample-command.js');
    setStatus(await sampleCommand(io, data, settings, flags));
  });
}
