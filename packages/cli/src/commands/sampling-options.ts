// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { collect } from './collect.js';
import { positiveNumber, wholeNumber, wholeNumberFrom0 } from './numbers.js';

/** What `generate` and `chat` have in common. */
export const addSamplingOptions = (command: Command): Command =>
  command
    .argument('[key=value...]', 'keys of the backend and of plugins, such as vision.image.maxPixels=100000')
    .requiredOption('--model <dir>', 'model folder or hub id')
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
    .option('--plugin <name>', 'load a plugin; may be given several times', collect);
