// SPDX-License-Identifier: Apache-2.0
import type { Architecture, LoadOptions, WeightInfo } from '@llmf/nn';

/** Weights a config asks for; a weight that two layers share (a tied head) counts once. */
export function parameterCount(architecture: Architecture, config: Record<string, unknown>): number {
  return [...architecture.weights(config).values()].reduce((sum, info) => sum + sizeOf(info), 0);
}

export interface WeightMemory {
  readonly parameters: number;
  readonly trainable: number;
  /** All weights as `load` keeps them: trainable ones and vectors in f32, frozen matrices in the precision. */
  readonly weightBytes: number;
  /** Gradients of the trainable weights, f32. */
  readonly gradientBytes: number;
  /** AdamW's two moments of the trainable weights, f32. */
  readonly optimizerBytes: number;
}

/** What a model needs from its config alone, activations and adapters apart. */
export function weightMemory(
  architecture: Architecture,
  config: Record<string, unknown>,
  { precision, isTrainable }: Pick<LoadOptions, 'precision' | 'isTrainable'>,
): WeightMemory {
  const blocks = architecture.blocks(config);
  let parameters = 0;
  let trainable = 0;
  let weightBytes = 0;
  for (const [name, info] of architecture.weights(config)) {
    const size = sizeOf(info);
    const isTrained = isTrainable(name, blocks);
    parameters += size;
    trainable += isTrained ? size : 0;
    weightBytes += size * (isTrained || !mayBePacked(info) || precision === 'f32' ? 4 : 2);
  }
  return { parameters, trainable, weightBytes, gradientBytes: 4 * trainable, optimizerBytes: 8 * trainable };
}

/** Matrices can be kept in a frozen storage format; norms and biases stay f32. */
export const mayBePacked = ({ kind }: WeightInfo): boolean => kind === 'linear' || kind === 'embedding';

const sizeOf = ({ shape }: WeightInfo) => shape.reduce((product, size) => product * size, 1);
