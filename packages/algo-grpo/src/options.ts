// SPDX-License-Identifier: Apache-2.0
import { objectiveTemperatureShape, samplingShape } from '@llmf/rollouts';
import { z } from 'zod';

const variants = {
  /** Shao et al., "DeepSeekMath", 2024 (arXiv:2402.03300), equation 3. */
  grpo: { clipRange: 0.2, clipRangeHigh: 0.2, average: 'answers', ratio: 'token', baseline: 'group', klCoefficient: 0 },
  /** Liu et al., "Understanding R1-Zero-like training", 2025 (arXiv:2503.20783): neither length nor deviation divides. */
  dr_grpo: { clipRange: 0.2, clipRangeHigh: 0.2, average: 'limit', ratio: 'token', baseline: 'mean', klCoefficient: 0 },
  /** Yu et al., "DAPO", 2025 (arXiv:2503.14476): clip-higher, mean over tokens. */
  dapo: { clipRange: 0.2, clipRangeHigh: 0.28, average: 'tokens', ratio: 'token', baseline: 'group', klCoefficient: 0 },
  /** Zheng et al., "Group sequence policy optimization", 2025 (arXiv:2507.18071), equation 5 and section 5.1. */
  gspo: {
    clipRange: 3e-4,
    clipRangeHigh: 4e-4,
    average: 'answers',
    ratio: 'sequence',
    baseline: 'group',
    klCoefficient: 0,
  },
  /** Ahmadian et al., "Back to basics", 2024 (arXiv:2402.14740); TRL's RLOOConfig: KL in the reward. */
  rloo: {
    clipRange: 0.2,
    clipRangeHigh: 0.2,
    average: 'answers',
    ratio: 'answer',
    baseline: 'leaveOneOut',
    klCoefficient: 0.05,
  },
} as const;
type Settled = 'clipRange' | 'clipRangeHigh' | 'average' | 'ratio' | 'baseline' | 'klCoefficient';

const ofVariant = <T extends z.ZodType>(type: T, option: Settled, meaning: string) => {
  const all = Object.entries(variants).map(([name, values]) => `${name} ${values[option]}`);
  return type
    .nullable()
    .default(null)
    .describe(`${meaning}; null: the variant’s (${all.join(', ')}).`);
};

export const grpoOptions = z.strictObject({
  variant: z
    .enum(['grpo', 'dr_grpo', 'dapo', 'gspo', 'rloo'])
    .default('grpo')
    .describe('Whose terms hold where an option is null.'),
  answers: z.int().min(2).default(8).describe('Answers to each prompt: a group (TRL’s num_generations).'),
  ...samplingShape,
  ...objectiveTemperatureShape,
  iterations: z.int().min(1).default(1).describe('Passes over the answers of a step (μ, TRL’s num_iterations).'),
  miniBatches: z.int().min(1).default(1).describe('Updates of a pass, each with its share of the groups.'),
  clipRange: ofVariant(z.number().positive().lt(1), 'clipRange', 'ε: how far the ratio may go below 1'),
  clipRangeHigh: ofVariant(z.number().positive(), 'clipRangeHigh', 'How far the ratio may go above 1'),
  average: ofVariant(
    z.enum(['answers', 'tokens', 'limit']),
    'average',
    'Over answers of the mean of their tokens, over all tokens, or of tokens’ sums over maxNewTokens',
  ),
  ratio: ofVariant(
    z.enum(['token', 'sequence', 'answer']),
    'ratio',
    'π / π_old of a token, the geometric mean over an answer’s tokens, or their product',
  ),
  baseline: ofVariant(
    z.enum(['group', 'batch', 'mean', 'leaveOneOut']),
    'baseline',
    'Advantage: score minus the group’s mean, over its deviation or that of the step (batch), or over nothing (mean); or minus the mean of the others',
  ),
  klCoefficient: ofVariant(z.number().min(0), 'klCoefficient', 'β: weight of the KL to the reference; 0: no reference'),
  klPlace: z
    .enum(['auto', 'loss', 'reward'])
    .default('auto')
    .describe('KL as a term of the loss (k3), or taken off the score (k1); auto: reward with leaveOneOut, else loss.'),
  klCorrection: z
    .boolean()
    .default(true)
    .describe(
      'KL in the loss times the ratio, whose gradient is that of the reverse KL without bias (DeepSeek-V3.2, arXiv:2512.02556; TRL’s use_bias_correction_kl).',
    ),
  entropyCoefficient: z.number().min(0).default(0).describe('Weight of the entropy, which is raised; 0: none.'),
  resample: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'How often a step answers further prompts in the place of those whose answers all got the same score (DAPO’s dynamic sampling, equation 11); 0: not.',
    ),
  maskCutOff: z
    .boolean()
    .default(false)
    .describe('Answers that were cut off at their limit are not learned from (DAPO’s overlong filtering).'),
  softLength: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'Over the last so many of maxNewTokens the score falls by up to 1 (DAPO, equation 13); null: it does not.',
    ),
  missingEosPenalty: z
    .number()
    .min(0)
    .nullable()
    .default(null)
    .describe('Taken off the score of an answer that was cut off before any of its ends; null: nothing.'),
  shownSamples: z
    .int()
    .min(0)
    .default(3)
    .describe('Answers shown with their rewards now and then.')
    .meta({ decides: false }),
});
export type WrittenOptions = z.infer<typeof grpoOptions>;

/** With the variant's values in the places of null. */
export type GrpoOptions = Omit<WrittenOptions, Settled | 'klPlace'> & {
  readonly [K in Settled]: NonNullable<WrittenOptions[K]>;
} & { readonly klPlace: 'loss' | 'reward' };

export function settled(written: WrittenOptions): GrpoOptions {
  const defaults = variants[written.variant];
  const baseline = written.baseline ?? defaults.baseline;
  const inReward = baseline === 'leaveOneOut' ? 'reward' : 'loss';
  return {
    ...written,
    baseline,
    clipRange: written.clipRange ?? defaults.clipRange,
    clipRangeHigh: written.clipRangeHigh ?? defaults.clipRangeHigh,
    average: written.average ?? defaults.average,
    ratio: written.ratio ?? defaults.ratio,
    klCoefficient: written.klCoefficient ?? defaults.klCoefficient,
    klPlace: written.klPlace === 'auto' ? inReward : written.klPlace,
  };
}
