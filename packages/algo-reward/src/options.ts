// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { variantNames } from './variants.js';

export const rewardOptions = z.strictObject({
  variant: z
    .enum(variantNames)
    .default('plackett-luce')
    .describe('How a ranking is learned; plackett-luce and pairwise are Bradley–Terry on pairs.'),
  margin: z
    .string()
    .nullable()
    .default(null)
    .describe('Column with the difference of scores that a pair should have (Llama 2); null: none.'),
  centerCoefficient: z
    .number()
    .min(0)
    .default(0)
    .describe('Weight of the squared sum of a pair’s scores, which keeps them around 0 (TRL recommends 0.01).'),
});

export type RewardOptions = z.infer<typeof rewardOptions>;
