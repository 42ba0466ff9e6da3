// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** Options of a stage about how answers are drawn; spread them into the stage's own schema. */
export const samplingShape = {
  maxNewTokens: z.int().min(1).default(53).describe('Tokens an answer may have; 53 as TRL’s response_length.'),
  temperature: z.number().positive().default(1).describe('Of the draw; 1: the policy itself.'),
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
/** Where a stage has no `temperatureInObjective`, its objective is of the policy at temperature 1. */
export type SamplingOptions = z.infer<typeof samplingOptions> & { readonly temperatureInObjective?: boolean };

/** For stages whose gradient is that of the distribution that was drawn from; spread it beside `samplingShape`. */
export const objectiveTemperatureShape = {
  temperatureInObjective: z
    .boolean()
    .default(true)
    .describe(
      'The policy that is trained, and its reference, are those at `temperature`: logits are divided by it wherever log-probs are computed, as in TRL’s GRPO, RLOO and PPO trainers; false: those at 1.',
    ),
};

/** What logits are divided by in the log-probs of the objective and of its reference. */
export const objectiveTemperature = ({ temperature, temperatureInObjective = false }: SamplingOptions): number =>
  temperatureInObjective ? temperature : 1;

/** How a setting makes answers come from another distribution than the policy, in words; null where none does. */
export function offPolicy(options: SamplingOptions): string | null {
  const { temperature, topK, topP, minP } = options;
  const set = [
    ...(temperature === objectiveTemperature(options) ? [] : [`temperature ${temperature}`]),
    ...(topK === 0 ? [] : [`topK ${topK}`]),
    ...(topP === 1 ? [] : [`topP ${topP}`]),
    ...(minP === 0 ? [] : [`minP ${minP}`]),
  ];
  return set.length === 0
    ? null
    : `answers are drawn with ${set.join(', ')}, so not from the policy that is trained: its gradient is biased by that`;
}
