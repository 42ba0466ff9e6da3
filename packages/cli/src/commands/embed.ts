// SPDX-License-Identifier: Apache-2.0
import { Option, type Command } from 'commander';
import type { EmbedFlags } from '../embed-command.js';
import type { CommandContext } from '../declare-command.js';
import { collect } from './collect.js';
import { wholeNumber } from './numbers.js';

/** `llmf embed DATA --model DIR [--adapter DIR] [--pooling NAME] --output FILE.jsonl` */
export function declareEmbed(program: Command, { io }: CommandContext): void {
  program
    .command('embed')
    .summary('a vector for each text of a data file')
    .description(
      'Write, per row, the vectors of its texts: `embedding`, or `anchor`, `positive` and `negative`. How hidden states become a vector, and whether it has length 1, is read from sentence-transformers’ files in the folder of the adapter or the model; without them it is their mean, of length 1.',
    )
    .argument('<data>', 'a file with a column text, or with anchor and positive')
    .argument('[key=value...]', 'keys of the backend, of plugins, and of the data entry')
    .requiredOption('--model <dir>', 'model folder or hub id')
    .requiredOption('--output <file>', 'where the lines go, one JSON object per row')
    .option('--adapter <dir>', 'PEFT adapter folder')
    .addOption(
      new Option('--pooling <name>', 'of hidden states').choices(['auto', 'mean', 'first', 'last']).default('auto'),
    )
    .addOption(new Option('--normalize <how>', 'vectors of length 1').choices(['auto', 'yes', 'no']).default('auto'))
    .option('--max-length <n>', 'tokens of a text; the rest is cut off', wholeNumber)
    .option('--precision <name>', 'f32, bf16 or auto', 'auto')
    .option('--backend <name>', 'what computes', 'auto')
    .option('--plugin <name>', 'load a plugin; may be given several times', collect)
    .action(async (data: string, settings: string[], flags: EmbedFlags) => {
      const { embedCommand } = await import('../embed-command.js');
      await embedCommand(io, data, settings, flags);
    });
}
