// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

export const mdpoOptions = z.strictObject({
  beta: z.number().positive().default(0.1).describe('β, strength of the tie to the reference (paper: 0.1).'),
  conditionalWeight: z
    .number()
    .min(0)
    .default(1)
    .describe('Weight of the preference for the right picture over another (paper: 1); 0: plain DPO and the anchor.'),
  anchorWeight: z
    .number()
    .min(0)
    .default(1)
    .describe('Weight of the anchor, which keeps the chosen answer likely (paper: 1); 0: without it.'),
  anchor: z
    .number()
    .default(0)
    .describe('δ, the reward that the chosen answer shall exceed, after scaling by β (paper: 0).'),
});

export type MdpoOptions = z.infer<typeof mdpoOptions>;
