// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

export const simpoOptions = z
  .strictObject({
    beta: z.number().positive().default(2).describe('β, scale of the reward (SimPO paper: 2.0 to 2.5).'),
    gamma: z
      .number()
      .min(0)
      .default(1)
      .describe(
        "γ, reward margin the chosen answer must lead by (paper: 0.3 to 1.6); SimPO's gamma_beta_ratio is γ/β.",
      ),
    variant: z
      .enum(['sigmoid', 'hinge'])
      .default('sigmoid')
      .describe('Loss of the margin: −log σ(m) or max(0, 1 − m).'),
    labelSmoothing: z
      .number()
      .min(0)
      .lt(0.5)
      .default(0)
      .describe('ε, probability that a preference is the wrong way round (CPO; variant sigmoid).'),
    lengthNormalized: z.boolean().default(true).describe('Reward per token; false with gamma 0: the loss of CPO.'),
    alpha: z.number().default(0).describe('α of AlphaPO, shape of the reward; 0: the log-probability itself.'),
    cpoAlpha: z
      .number()
      .min(0)
      .default(0)
      .describe("Weight of the chosen answers' likelihood beside it (CPO's behaviour cloning); 0: none."),
  })
  .superRefine(({ variant, labelSmoothing }, context) => {
    if (variant === 'sigmoid' || labelSmoothing === 0) return;
    const message = `must be 0 with variant ${variant}; only sigmoid reads it`;
    context.addIssue({ code: 'custom', path: ['labelSmoothing'], message });
  });

export type SimpoOptions = z.infer<typeof simpoOptions>;
