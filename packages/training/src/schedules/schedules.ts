// SPDX-License-Identifier: Apache-2.0
/**
 * Learning-rate factors as Transformers' `get_*_schedule_with_warmup` (optimization.py), with one difference: a
 * warm-up step w of W has factor w / W rather than (w − 1) / W, so that no step has a rate of zero.
 */
import { z } from 'zod';
import type { Schedule } from '../contracts/optimizer.js';

/** Share of the steps after warm-up that are behind step `step` (1-based): 0 at the first, below 1 at the last. */
const progress = (step: number, total: number, warmup: number) => (step - 1 - warmup) / Math.max(1, total - warmup);

type Decay = (progress: number, options: Record<string, unknown>) => number;

function withWarmup(name: string, description: string, decay: Decay, options?: Schedule['options']): Schedule {
  return {
    name,
    description,
    ...(options === undefined ? {} : { options }),
    factor: (step, total, warmup, chosen) =>
      step <= warmup ? step / warmup : decay(Math.max(0, progress(step, total, warmup)), chosen),
  };
}

export const constant = withWarmup('constant', 'the peak after warm-up', () => 1);

export const linear = withWarmup('linear', 'a straight line to zero', (p) => Math.max(0, 1 - p));

const cosineOptions = z.strictObject({
  cycles: z.number().positive().default(0.5).describe('Waves over the run; 0.5 falls from the peak to zero.'),
  minimum: z.number().min(0).max(1).default(0).describe('Lowest factor of the peak.'),
});

export const cosine = withWarmup(
  'cosine',
  'half a cosine to zero',
  (p, options) => {
    const { cycles, minimum } = options as z.infer<typeof cosineOptions>;
    return minimum + (1 - minimum) * Math.max(0, 0.5 * (1 + Math.cos(2 * Math.PI * cycles * p)));
  },
  cosineOptions,
);

const stableDecayOptions = z.strictObject({
  decayRatio: z.number().gt(0).max(1).default(0.1).describe('Share of the steps after warm-up spent decaying.'),
  minimum: z.number().min(0).max(1).default(0).describe('Lowest factor of the peak.'),
});

export const warmupStableDecay = withWarmup(
  'warmup_stable_decay',
  'the peak, then a cosine over the last part of the run',
  (p, options) => {
    const { decayRatio, minimum } = options as z.infer<typeof stableDecayOptions>;
    const decayed = Math.max(0, (p - (1 - decayRatio)) / decayRatio);
    return minimum + (1 - minimum) * 0.5 * (1 + Math.cos(Math.PI * decayed));
  },
  stableDecayOptions,
);

const cosineWithMinimumOptions = z.strictObject({
  cycles: z.number().positive().default(0.5).describe('Waves over the run; 0.5 falls from the peak to the minimum.'),
  minimum: z.number().min(0).max(1).default(0.1).describe('Lowest factor of the peak.'),
});

/** get_cosine_with_min_lr_schedule_with_warmup. */
export const cosineWithMinimum: Schedule = {
  ...cosine,
  name: 'cosineWithMinimum',
  description: 'half a cosine to a tenth of the peak',
  options: cosineWithMinimumOptions,
};

const inverseSqrtOptions = z.strictObject({
  timescale: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('Steps after which the rate has fallen to 1/√2 of the peak; null: those of warm-up, 10,000 without.'),
});

/** get_inverse_sqrt_schedule: 1 / √((s + shift) / timescale), continuous with warm-up. */
export const inverseSqrt: Schedule = {
  name: 'inverseSqrt',
  description: 'falls with the square root of the step, towards no end',
  options: inverseSqrtOptions,
  factor(step, _total, warmup, options) {
    if (step <= warmup) return step / warmup;
    const { timescale } = options as z.infer<typeof inverseSqrtOptions>;
    const scale = timescale ?? (warmup || 10_000);
    return 1 / Math.sqrt((step - 1 + scale - warmup) / scale);
  },
};

const polynomialOptions = z.strictObject({
  power: z.number().positive().default(1).describe('Power of the share of steps that is left; 1 is a straight line.'),
  minimum: z.number().min(0).max(1).default(0).describe('Factor of the peak at the end.'),
});

/** get_polynomial_decay_schedule_with_warmup. */
export const polynomial = withWarmup(
  'polynomial',
  'a power of the share of steps that is left',
  (p, options) => {
    const { power, minimum } = options as z.infer<typeof polynomialOptions>;
    return minimum + (1 - minimum) * Math.max(0, 1 - p) ** power;
  },
  polynomialOptions,
);

export const schedules: readonly Schedule[] = [
  constant,
  linear,
  cosine,
  cosineWithMinimum,
  inverseSqrt,
  polynomial,
  warmupStableDecay,
];
