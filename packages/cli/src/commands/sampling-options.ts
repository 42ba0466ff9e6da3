// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { collect } from './collect.js';
import { positiveNumber, wholeNumber, wholeNumberFrom0 } from './numbers.js';

/** The value where neither the flag nor the model's generation_config.json says one. */
const ownOr = (value: number) => `default: the model’s own, else ${value}`;

/** What `generate` and `chat` have in common. */
export const addSamplingOptions = (command: Command): Command =>
  command
    .argument('[key=value...]', 'keys of the backend and of plugins, such as vision.image.maxPixels=100000')
    .requiredOption('--model <dir>', 'model folder or hub id')
    .option('--adapter <dir>', 'PEFT adapter folder')
    .option('--template <name>', 'chat template: auto, none, or a name', 'auto')
    .option('--system <text>', 'system prompt')
    .option('--greedy', 'always take the likeliest token')
    .option('--sample', 'sample, also where generation_config.json says not to')
    .option('--temperature <number>', `divides the logits before sampling (${ownOr(1)})`, positiveNumber)
    .option(
      '--top-p <share>',
      `sample from the likeliest tokens that have this share together (${ownOr(1)})`,
      positiveNumber,
    )
    .option('--top-k <n>', `sample from the n likeliest tokens; 0: all (${ownOr(0)})`, wholeNumberFrom0)
    .option(
      '--min-p <share>',
      `sample from tokens at least this share as likely as the likeliest (${ownOr(0)})`,
      positiveNumber,
    )
    .option(
      '--repetition-penalty <number>',
      `divides the logits of tokens that are there already (${ownOr(1)})`,
      positiveNumber,
    )
    .option('--forbid-repeats <n>', `no run of n tokens twice; 0: any (${ownOr(0)})`, wholeNumberFrom0)
    .option(
      '--guide <strength>',
      'steers by the heads that the model’s folder holds, such as those of ilql; needs the plugin that brought them',
      positiveNumber,
    )
    .option('--seed <n>', 'of sampling', wholeNumberFrom0, 0)
    .option('--max-new-tokens <n>', `longest answer (${ownOr(256)})`, wholeNumber)
    .option('--stop <text>', 'end the answer before this text; may be given several times', collect)
    .option('--precision <name>', 'f32, bf16 or auto', 'auto')
    .option('--backend <name>', 'what computes', 'auto')
    .option('--plugin <name>', 'load a plugin; may be given several times', collect);
