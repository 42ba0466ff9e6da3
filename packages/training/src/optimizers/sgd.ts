// SPDX-License-Identifier: Apache-2.0
/**
 * Stochastic gradient descent with momentum, as torch.optim.SGD:
 *   g ← g + λ θ;  b ← μ b + (1 − τ) g (b = g in the first update);  θ ← θ − η (g + μ b with Nesterov, else b)
 * Weight decay λ is added to the gradient, not decoupled.
 */
import { tf } from '@llmf/nn';
import { z } from 'zod';
import { perParameter } from './per-parameter.js';

export const sgdOptions = z
  .strictObject({
    momentum: z.number().min(0).lt(1).default(0).describe('μ: share of the last direction that is kept.'),
    dampening: z.number().min(0).max(1).default(0).describe('τ: by how much less a gradient counts in the direction.'),
    nesterov: z.boolean().default(false).describe('Look ahead along the direction; needs momentum, no dampening.'),
  })
  .refine(({ momentum, dampening, nesterov }) => !nesterov || (momentum > 0 && dampening === 0), {
    path: ['nesterov'],
    message: 'false, or momentum above 0 without dampening',
  });
type SgdOptions = z.infer<typeof sgdOptions>;

export const sgd = perParameter<SgdOptions>({
  name: 'sgd',
  description: 'stochastic gradient descent, with momentum by choice',
  options: sgdOptions,
  bytesPerWeight: ({ momentum }) => (momentum === 0 ? 0 : 4),
  memory:
    ({ momentum }) =>
    (shape): Record<string, readonly number[]> =>
      momentum === 0 ? {} : { momentum: shape },
  step({ parameter, gradient, learningRate, weightDecay, update, options, memory }) {
    const { momentum, dampening, nesterov } = options;
    const decayed = weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(parameter, weightDecay));
    if (momentum === 0) return parameter.assign(tf.sub(parameter, tf.mul(decayed, learningRate)));
    const buffer = memory('momentum');
    const share = update === 1 ? 1 : 1 - dampening;
    buffer.assign(tf.add(tf.mul(buffer, momentum), tf.mul(decayed, share)));
    const direction = nesterov ? tf.add(decayed, tf.mul(buffer, momentum)) : buffer;
    parameter.assign(tf.sub(parameter, tf.mul(direction, learningRate)));
  },
});
