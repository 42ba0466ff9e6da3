// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

export const ktoOptions = z.strictObject({
  variant: z
    .enum(['kto', 'apo_zero_unpaired'])
    .default('kto')
    .describe('Form of the loss, by its name in TRL; apo_zero_unpaired estimates no divergence.'),
  beta: z.number().positive().default(0.1).describe('β, strength of the tie to the reference (TRL: 0.1).'),
  desirableWeight: z
    .number()
    .min(0)
    .default(1)
    .describe('λ_D, weight of good answers (TRL: 1); with unequal numbers λ_D·good : λ_U·bad should be 1 to 4/3.'),
  undesirableWeight: z.number().min(0).default(1).describe('λ_U, weight of bad answers (TRL: 1).'),
});

export type KtoOptions = z.infer<typeof ktoOptions>;
