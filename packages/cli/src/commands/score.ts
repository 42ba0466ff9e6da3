// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CommandContext } from '../declare-command.js';
import type { ScoreFlags } from '../score-command.js';
import { collect } from './collect.js';
import { wholeNumber } from './numbers.js';

/** `llmf score DATA --model DIR [--adapter DIR] [--template NAME|none] [--precision f32|bf16] --output FILE.jsonl` */
export function declareScore(program: Command, { io }: CommandContext): void {
  program
    .command('score')
    .summary('log-probability of the answers in a data file')
    .description(
      'Write, per row, the sum of the log-probabilities (in nats) and the number of tokens of each answer: `response`, or `chosen` and `rejected`. Rows hold text or chats, or token ids (`promptIds`, `responseIds`).',
    )
    .argument('<data>', 'a file as training reads it')
    .argument(
      '[key=value...]',
      'keys of the backend, of plugins, and of the data entry, such as data.train.0.columns={prompt: q}',
    )
    .requiredOption('--model <dir>', 'model folder or hub id')
    .requiredOption('--output <file>', 'where the lines go, one JSON object per row')
    .option('--adapter <dir>', 'PEFT adapter folder')
    .option('--template <name>', 'chat template: auto, none (texts as they stand), or a name', 'auto')
    .option('--system <text>', 'system prompt of rows that have none')
    .option('--format <name>', 'row format; detected from the columns when left out')
    .option('--precision <name>', 'f32, bf16 or auto', 'auto')
    .option('--backend <name>', 'what computes', 'auto')
    .option('--batch-size <n>', 'rows computed together', wholeNumber, 2)
    .option('--tokens', 'write the log-probability of each token too')
    .option('--plugin <name>', 'load a plugin; may be given several times', collect)
    .action(async (data: string, settings: string[], flags: ScoreFlags) => {
      const { scoreCommand } = await import('../score-command.js');
      await scoreCommand(io, data, settings, flags);
    });
}
