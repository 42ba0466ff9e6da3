// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** Options of a stage about how answers are drawn; spread them into the stage's own schema. */
export const samplingShape = {
  maxNewTokens: z.int().min(1).default(53).describe('Tokens an answer may have; 53 as TRL’s response_length.'),
  temperature: z
    .number()
    .positive()
    .default(1)
    .describe('Of the draw; 1: the policy itself, which the objective assumes.'),
  topK: z.int().min(0).default(0).describe('Only from so many likeliest tokens; 0: all, which the objective assumes.'),
  topP: z.number().gt(0).max(1).default(1).describe('Only from the likeliest tokens of this share; 1: all.'),
  minP: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('Only from tokens at least this share as likely as the likeliest.'),
  stop: z
    .array(z.string().min(1))
    .default([])
    .describe('Texts that end an answer, besides the tokens that end a turn of the template.'),
  stopIds: z.array(z.int().min(0)).default([]).describe('Further tokens that end an answer.'),
  maxSequences: z
    .int()
    .min(1)
    .default(64)
    .describe('Answers that are written at the same time.')
    .meta({ decides: false }),
};

const samplingOptions = z.strictObject(samplingShape);
export type SamplingOptions = z.infer<typeof samplingOptions>;

/** How a setting makes answers come from another distribution than the policy, in words; null where none does. */
export function offPolicy({ temperature, topK, topP, minP }: SamplingOptions): string | null {
  const set = [
    ...(temperature === 1 ? [] : [`temperature ${temperature}`]),
    ...(topK === 0 ? [] : [`topK ${topK}`]),
    ...(topP === 1 ? [] : [`topP ${topP}`]),
    ...(minP === 0 ? [] : [`minP ${minP}`]),
  ];
  return set.length === 0
    ? null
    : `answers are drawn with ${set.join(', ')}, so not from the policy that is trained: its gradient is biased by that`;
}
