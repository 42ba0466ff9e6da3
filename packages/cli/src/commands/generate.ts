// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CommandContext } from '../run-cli.js';
import type { GenerateFlags } from '../generate-command.js';
import { collect } from './collect.js';
import { positiveNumber, wholeNumber, wholeNumberFrom0 } from './numbers.js';

/** `llmf generate --model DIR [--adapter DIR] --prompt TEXT [--image FILE]… [--greedy] [--max-new-tokens N]` */
export function declareGenerate(program: Command, { io }: CommandContext): void {
  program
    .command('generate')
    .summary('let a model answer a prompt')
    .description('Print what the model answers, on standard output and nothing else there.')
    .requiredOption('--model <dir>', 'model folder or hub id')
    .requiredOption('--prompt <text>', 'the user’s message; with --template none, the text to go on from')
    .option('--image <file>', 'a picture of the prompt; may be given several times', collect)
    .option('--adapter <dir>', 'PEFT adapter folder')
    .option('--template <name>', 'chat template: auto, none, or a name', 'auto')
    .option('--system <text>', 'system prompt')
    .option('--greedy', 'always take the likeliest token')
    .option('--temperature <number>', 'divides the logits before sampling', positiveNumber, 1)
    .option('--top-p <share>', 'sample from the likeliest tokens that have this share together', positiveNumber, 1)
    .option('--top-k <n>', 'sample from the n likeliest tokens; 0: all', wholeNumberFrom0, 0)
    .option('--seed <n>', 'of sampling', wholeNumberFrom0, 0)
    .option('--max-new-tokens <n>', 'longest answer', wholeNumber, 256)
    .option('--precision <name>', 'f32, bf16 or auto', 'auto')
    .option('--backend <name>', 'what computes', 'auto')
    .option('--plugin <name>', 'load a plugin; may be given several times', collect)
    .action(async (flags: GenerateFlags) => {
      const { generateCommand } = await import('../generate-command.js');
      await generateCommand(io, flags);
    });
}
