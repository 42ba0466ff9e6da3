// SPDX-License-Identifier: Apache-2.0
/**
 * Adafactor: Shazeer & Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018 (arXiv:1804.04235),
 * algorithms 4 and 5, as Transformers' Adafactor with a rate of its own (`relative_step=False`): of a matrix's squared
 * gradients only the means of rows and columns are remembered.
 *   β₂ₜ = 1 − tᵈ;  v ← β₂ₜ v + (1 − β₂ₜ)(g² + ε₁);  u = g / √v;  u ← u / max(1, RMS(u) / c)
 *   η ← η · max(ε₂, RMS(θ)) when scaled by the parameter;  θ ← θ − η λ θ − (β₁ m + (1 − β₁) η u, else η u)
 */
import { tf, type Scalar, type Tensor } from '@llmf/nn';
import { z } from 'zod';
import { perParameter, type ParameterUpdate } from './per-parameter.js';

export const adafactorOptions = z.strictObject({
  epsilon1: z.number().positive().default(1e-30).describe('ε₁: added to squared gradients.'),
  epsilon2: z
    .number()
    .positive()
    .default(1e-3)
    .describe('ε₂: least size of a parameter when the rate is scaled by it.'),
  clipThreshold: z
    .number()
    .positive()
    .default(1)
    .describe('c: root mean square of an update above which it is scaled down.'),
  decayRate: z.number().lt(0).default(-0.8).describe('d: how the decay of squared gradients goes towards 1.'),
  beta1: z.number().min(0).lt(1).nullable().default(null).describe('Decay of the mean of updates; null: none is kept.'),
  scaleParameter: z.boolean().default(false).describe('Scale the rate by the root mean square of the parameter.'),
});
type AdafactorOptions = z.infer<typeof adafactorOptions>;
type Step = ParameterUpdate<AdafactorOptions>;

export const adafactor = perParameter<AdafactorOptions>({
  name: 'adafactor',
  description: 'means of rows and columns in place of a second moment: hardly any memory',
  options: adafactorOptions,
  bytesPerWeight: ({ beta1 }) => (beta1 === null ? 0.02 : 4.02),
  memory:
    ({ beta1 }) =>
    (shape) => ({
      ...(shape.length < 2
        ? { v: shape }
        : { rows: shape.slice(0, -1), columns: [...shape.slice(0, -2), shape.at(-1)!] }),
      ...(beta1 === null ? {} : { m: shape }),
    }),
  step(given) {
    const { parameter, learningRate, weightDecay, options, memory } = given;
    const rate = options.scaleParameter
      ? tf.mul(tf.maximum(rootMeanSquare(parameter), options.epsilon2), learningRate)
      : tf.scalar(learningRate);
    const scaled = scaledGradient(given);
    const clipped = tf.div(scaled, tf.maximum(tf.div(rootMeanSquare(scaled), options.clipThreshold), 1));
    const update = withMomentum(tf.mul(clipped, rate), options.beta1, memory);
    const decayed = tf.sub(parameter, tf.mul(parameter, tf.mul(rate, weightDecay)));
    parameter.assign(tf.sub(decayed, update));
  },
});

/** g / √v, where v of a matrix is the product of what its rows and columns say. */
function scaledGradient({ gradient, update, options, memory }: Step): Tensor {
  const decay = 1 - update ** options.decayRate;
  const squared = tf.add(tf.square(gradient), options.epsilon1);
  const remember = (part: string, value: Tensor) => {
    const mean = memory(part);
    mean.assign(tf.add(tf.mul(mean, decay), tf.mul(value, 1 - decay)));
    return mean;
  };
  if (gradient.rank < 2) return tf.mul(gradient, tf.rsqrt(remember('v', squared)));
  const rows = remember('rows', tf.mean(squared, -1)); // […, n]
  const columns = remember('columns', tf.mean(squared, -2)); // […, m]
  const rowFactor = tf.expandDims(tf.rsqrt(tf.div(rows, tf.mean(rows, -1, true))), -1); // […, n, 1]
  const columnFactor = tf.expandDims(tf.rsqrt(columns), -2); // […, 1, m]
  return tf.mul(gradient, tf.mul(rowFactor, columnFactor));
}

function withMomentum(update: Tensor, beta1: number | null, memory: Step['memory']): Tensor {
  if (beta1 === null) return update;
  const m = memory('m');
  m.assign(tf.add(tf.mul(m, beta1), tf.mul(update, 1 - beta1)));
  return m;
}

const rootMeanSquare = (x: Tensor): Scalar => tf.sqrt(tf.mean(tf.square(x)));
