// SPDX-License-Identifier: Apache-2.0
import { samplingShape } from '@llmf/rollouts';
import { z } from 'zod';

/** Of the draw TRL's OnlineDPOConfig, where it has the option. */
export const onlineDpoOptions = z.strictObject({
  answers: z
    .int()
    .min(2)
    .default(2)
    .describe('Answers to each prompt; the best and the worst of them are a pair (TRL: two).'),
  ...samplingShape,
  maxNewTokens: samplingShape.maxNewTokens.default(64).describe('Tokens an answer may have.'),
  temperature: samplingShape.temperature
    .default(0.9)
    .describe('Of the draw. Losses of pairs compare log-probs at temperature 1, whatever it is.'),
  missingEosPenalty: z
    .number()
    .min(0)
    .nullable()
    .default(null)
    .describe('Taken off the score of an answer that was cut off before any of its ends; null: nothing.'),
  epochs: z.int().min(1).default(1).describe('Passes over the pairs of a step.'),
  miniBatches: z.int().min(1).default(1).describe('Updates of a pass, each with its share of the pairs.'),
  shownSamples: z
    .int()
    .min(0)
    .default(3)
    .describe('Answers shown with their rewards now and then.')
    .meta({ decides: false }),
});
export type OnlineDpoOptions = z.infer<typeof onlineDpoOptions>;
