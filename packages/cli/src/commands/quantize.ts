// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { QuantizeFlags } from '../quantize-command.js';
import type { CommandContext } from '../declare-command.js';
import { collect } from './collect.js';

/** `llmf quantize --model DIR --format nf4 --output DIR [key=value]…` */
export function declareQuantize(program: Command, { io }: CommandContext): void {
  program
    .command('quantize')
    .summary('write a model in fewer bits')
    .description(
      'Write a model folder whose linear layers are kept in fewer bits, as bitsandbytes and Transformers lay it out, and load it again to prove it. A plain format (bf16, f16, f32) expands a quantized model.',
    )
    .argument(
      '[key=value...]',
      'options of the format, such as quantization.blockSize=128, model.maxShardSize=5GB, and keys of plugins',
    )
    .requiredOption('--model <dir>', 'model folder, GGUF file or hub id')
    .requiredOption('--format <name>', 'nf4, fp4, int8; or bf16, f16, f32')
    .requiredOption('--output <dir>', 'the new folder')
    .option('--plugin <name>', 'load a plugin; may be given several times', collect)
    .action(async (settings: string[], flags: QuantizeFlags) => {
      const { quantizeCommand } = await import('../quantize-command.js');
      await quantizeCommand(io, settings, flags);
    });
}
