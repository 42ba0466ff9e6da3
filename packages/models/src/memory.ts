// SPDX-License-Identifier: Apache-2.0
import { isMatrix, type Architecture, type LoadOptions, type WeightFormat, type WeightInfo } from '@llmf/nn';

/** Weights a config asks for; a weight that two layers share (a tied head) counts once. */
export function parameterCount(architecture: Architecture, config: Record<string, unknown>): number {
  return [...architecture.weights(config).values()].reduce((sum, info) => sum + sizeOf(info), 0);
}

export interface WeightMemory {
  readonly parameters: number;
  readonly trainable: number;
  /** All weights as `load` keeps them: trainable ones and vectors in f32, frozen matrices in their formats. */
  readonly weightBytes: number;
  /** Gradients of the trainable weights, f32. */
  readonly gradientBytes: number;
  /** AdamW's two moments of the trainable weights, f32. */
  readonly optimizerBytes: number;
}

/** What a model needs from its config alone, activations and adapters apart; its files hold `stored` elements. */
export function weightMemory(
  architecture: Architecture,
  config: Record<string, unknown>,
  { stored, formats, isTrainable }: Pick<LoadOptions, 'formats' | 'isTrainable'> & { readonly stored: WeightFormat },
): WeightMemory {
  const blocks = architecture.blocks(config);
  let parameters = 0;
  let trainable = 0;
  let weightBytes = 0;
  const weights = architecture.weights(config);
  const chosen = formats?.(weights);
  for (const [name, info] of weights) {
    const size = sizeOf(info);
    const isTrained = info.isUnread !== true && isTrainable(name, blocks);
    const kept = chosen?.get(name) ?? { format: stored, options: {} };
    parameters += size;
    trainable += isTrained ? size : 0;
    weightBytes += isTrained || !isMatrix(info) ? 4 * size : kept.format.bytes(info.shape, kept.options);
  }
  return { parameters, trainable, weightBytes, gradientBytes: 4 * trainable, optimizerBytes: 8 * trainable };
}

const sizeOf = ({ shape }: WeightInfo) => shape.reduce((product, size) => product * size, 1);
