// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** Names and defaults of trlX's ILQLConfig, in this house's spelling. */
export const ilqlOptions = z.strictObject({
  reward: z.string().min(1).default('reward').describe('Column with the reward of a row’s answer.'),
  normalizeRewards: z
    .boolean()
    .default(true)
    .describe('Rewards minus their mean over the training rows, divided by their standard deviation (trlX).'),
  tau: z.number().gt(0).lt(1).default(0.7).describe('τ of the expectile: how far V looks to the better actions.'),
  gamma: z.number().min(0).max(1).default(0.99).describe('γ, discount of what comes after a token.'),
  cqlScale: z.number().min(0).default(0.1).describe('Weight of the conservative term: other tokens’ Q stay low.'),
  awacScale: z.number().min(0).default(1).describe('Weight of the likelihood of the answers.'),
  beta: z.number().min(0).default(0).describe('Likelihood of a token times e^(β·advantage); 0: all alike.'),
  alpha: z.number().gt(0).max(1).default(0.001).describe('Share of Q that its target takes over at a sync.'),
  syncEvery: z.int().min(1).default(5).describe('Steps between two syncs of the targets.'),
  twoQs: z.boolean().default(true).describe('Two Q functions, of whose targets the smaller counts.'),
});
export type IlqlOptions = z.infer<typeof ilqlOptions>;
