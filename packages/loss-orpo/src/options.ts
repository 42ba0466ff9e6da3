// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

export const orpoOptions = z.strictObject({
  beta: z.number().min(0).default(0.1).describe('β, weight of the odds-ratio term (λ in the paper; TRL: 0.1).'),
  likelihood: z
    .strictObject({
      span: z
        .enum(['all', 'response'])
        .default('all')
        .describe('Tokens whose likelihood is raised: prompt and chosen answer (TRL), or the chosen answer alone.'),
      reduction: z
        .enum(['token', 'answer'])
        .default('token')
        .describe('Averaged over all such tokens of a step (TRL), or first within each answer (LLaMA-Factory).'),
      weight: z.number().min(0).default(1).describe('Weight of the likelihood term; 0: none.'),
    })
    .prefault({})
    .describe('The likelihood term.'),
});

export type OrpoOptions = z.infer<typeof orpoOptions>;
