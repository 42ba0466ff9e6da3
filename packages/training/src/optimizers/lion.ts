// SPDX-License-Identifier: Apache-2.0
/**
 * Lion: Chen et al., "Symbolic discovery of optimization algorithms", 2023 (arXiv:2302.06675), algorithm 2:
 *   θ ← θ − η (sign(β₁ m + (1 − β₁) g) + λ θ);  m ← β₂ m + (1 − β₂) g
 * Every update has the size of the rate: the paper takes rates 3 to 10 times smaller than AdamW's.
 */
import { tf } from '@llmf/nn';
import { z } from 'zod';
import { perParameter, type ParameterUpdate } from './per-parameter.js';

export const lionOptions = z.strictObject({
  beta1: z.number().min(0).lt(1).default(0.9).describe('Share of the mean in the direction (paper: 0.9).'),
  beta2: z.number().min(0).lt(1).default(0.99).describe('Decay of the mean of gradients (paper: 0.99).'),
});
export type LionOptions = z.infer<typeof lionOptions>;

export const lion = perParameter<LionOptions>({
  name: 'lion',
  description: 'the sign of a mean of gradients; half of AdamW’s memory',
  options: lionOptions,
  bytesPerWeight: () => 4,
  memory: () => (shape) => ({ m: shape }),
  step: lionStep,
});

export function lionStep(given: ParameterUpdate<LionOptions>): void {
  const { parameter, gradient, learningRate, weightDecay, options, memory } = given;
  const { beta1, beta2 } = options;
  const m = memory('m');
  const direction = tf.sign(tf.add(tf.mul(m, beta1), tf.mul(gradient, 1 - beta1)));
  m.assign(tf.add(tf.mul(m, beta2), tf.mul(gradient, 1 - beta2)));
  parameter.assign(tf.sub(parameter, tf.mul(tf.add(direction, tf.mul(parameter, weightDecay)), learningRate)));
}
