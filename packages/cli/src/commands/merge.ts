// SPDX-License-Identifier: Apache-2.0
import { Option, type Command } from 'commander';
import type { MergeFlags } from '../merge-command.js';
import type { CommandContext } from '../declare-command.js';
import type { Combination } from '@llmf/adapters';
import { collect } from './collect.js';
import { wholeNumber } from './numbers.js';

/** Named here too: the package that combines is loaded with the command, not with its help. */
const combinations: readonly Combination[] = ['cat', 'linear', 'svd'];

/** `llmf merge --model DIR --adapter DIR… --output DIR [key=value]…` */
export function declareMerge(program: Command, { io }: CommandContext): void {
  program
    .command('merge')
    .summary('write a model with its adapter merged in')
    .description(
      'Write a model folder whose weights contain the adapter, load it again, and print the largest difference of a log-prob. Where it is more than the dtype explains, that is an error and the folder does not appear. A quantized base is expanded; `quantization=nf4` merges into what an adapter was trained on that way. Several LoRAs become one first, each with its weight, as PEFT’s add_weighted_adapter; `--as adapter` writes that one.',
    )
    .argument('[key=value...]', 'keys of the backend, of plugins, quantization, and model.maxShardSize=5GB')
    .requiredOption('--model <dir>', 'model folder or hub id')
    .requiredOption('--adapter <dir>', 'PEFT adapter folder; several are combined', collect)
    .option('--weights <list>', 'of several adapters, in order: 0.7,0.3; 1 each when left out')
    .addOption(
      new Option('--combination <name>', 'of several: cat is exactly their sum, linear and svd keep a low rank')
        .choices(combinations)
        .default('cat'),
    )
    .option('--rank <n>', 'of svd; the largest of theirs when left out', wholeNumber)
    .addOption(
      new Option('--as <form>', 'what is written: the model, or one adapter')
        .choices(['model', 'adapter'])
        .default('model'),
    )
    .requiredOption('--output <dir>', 'the new folder')
    .addOption(
      new Option('--dtype <name>', 'of the new weights; auto: as the model’s')
        .choices(['auto', 'F32', 'F16', 'BF16'])
        .default('auto'),
    )
    .option('--backend <name>', 'what computes', 'auto')
    .option('--plugin <name>', 'load a plugin; may be given several times', collect)
    .action(async (settings: string[], flags: MergeFlags) => {
      const { mergeCommand } = await import('../merge-command.js');
      await mergeCommand(io, settings, flags);
    });
}
