// SPDX-License-Identifier: Apache-2.0
import { klEstimators, objectiveTemperatureShape, samplingShape, scoreShape } from '@llmf/rollouts';
import { z } from 'zod';

/** What the two reference implementations do, where an option is left at null. */
const presets = {
  /** TRL's PPOConfig. */
  trl: { klCoefficient: 0.05, valueCoefficient: 0.1, valueHead: 'linear', miniBatches: 1, scoreClip: null },
  /** trlX's PPOConfig (40 new tokens, 128 rollouts in batches of 32). */
  trlx: { klCoefficient: 0.001, valueCoefficient: 1, valueHead: 'mlp', miniBatches: 4, scoreClip: 10 },
} as const;

const preset = <T extends z.ZodType>(type: T, option: keyof typeof presets.trl, meaning: string) =>
  type
    .nullable()
    .default(null)
    .describe(`${meaning} null: ${presets.trl[option] ?? 'none'} with preset trl, ${presets.trlx[option]} with trlx.`);

export const ppoOptions = z.strictObject({
  preset: z.enum(['trl', 'trlx']).default('trl').describe('Whose defaults hold where an option is null.'),
  epochs: z.int().min(1).default(4).describe('Passes over the answers of a step (TRL’s num_ppo_epochs).'),
  miniBatches: preset(z.int().min(1), 'miniBatches', 'Updates of a pass, each with its share of the answers;'),
  answers: z.int().min(1).default(1).describe('Answers to each prompt.'),
  ...samplingShape,
  ...objectiveTemperatureShape,
  clipRange: z.number().positive().default(0.2).describe('ε: how far the ratio may go from 1.'),
  valueClipRange: z.number().positive().default(0.2).describe('How far a value may go from that of the rollout.'),
  valueCoefficient: preset(z.number().min(0), 'valueCoefficient', 'Weight of the value loss;'),
  valueHead: preset(z.enum(['linear', 'mlp']), 'valueHead', 'One matrix, or trlX’s two with a ReLU between;'),
  entropyCoefficient: z.number().min(0).default(0).describe('Weight of the entropy, which is raised; 0: none.'),
  gamma: z.number().min(0).max(1).default(1).describe('Discount of a token’s reward per token.'),
  lambda: z.number().min(0).max(1).default(0.95).describe('λ of generalized advantage estimation.'),
  klCoefficient: preset(z.number().min(0), 'klCoefficient', 'β: weight of the KL penalty;'),
  klEstimator: z.enum(klEstimators).default('k1').describe('Of the penalty: k1 = log π/π_ref, k3 = e^(−k1) − 1 + k1.'),
  klController: z.enum(['fixed', 'adaptive']).default('fixed').describe('adaptive: β follows klTarget.'),
  klTarget: z.number().positive().default(6).describe('KL an answer, in nats; three times as much is warned of.'),
  klHorizon: z.number().positive().default(10_000).describe('Answers in which an adaptive β moves (TRL 0.9).'),
  ...scoreShape,
  scoreClip: preset(z.number().positive(), 'scoreClip', 'Scores are clipped to ± this;'),
  whitenRewards: z.boolean().default(false).describe('Rewards brought to variance 1, their mean kept.'),
  whitenAdvantages: z.boolean().default(true).describe('Advantages brought to mean 0 and variance 1.'),
  ratioLimit: z
    .number()
    .gt(1)
    .nullable()
    .default(10)
    .describe('An update whose mean ratio is above this is left out (TRL’s ratio_threshold); null: none is.'),
  stopKl: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('An update whose approximate KL is above 1.5 times this ends the step (TRL’s target_kl); null: never.'),
  shownSamples: z
    .int()
    .min(0)
    .default(3)
    .describe('Answers shown with their rewards now and then.')
    .meta({ decides: false }),
});
export type WrittenOptions = z.infer<typeof ppoOptions>;

/** With the preset's values in the places of null. */
export type PpoOptions = Omit<WrittenOptions, 'miniBatches' | 'valueCoefficient' | 'valueHead' | 'klCoefficient'> & {
  readonly miniBatches: number;
  readonly valueCoefficient: number;
  readonly valueHead: 'linear' | 'mlp';
  readonly klCoefficient: number;
};

export function settled(written: WrittenOptions): PpoOptions {
  const defaults = presets[written.preset];
  return {
    ...written,
    miniBatches: written.miniBatches ?? defaults.miniBatches,
    valueCoefficient: written.valueCoefficient ?? defaults.valueCoefficient,
    valueHead: written.valueHead ?? defaults.valueHead,
    klCoefficient: written.klCoefficient ?? defaults.klCoefficient,
    scoreClip: written.scoreClip ?? defaults.scoreClip,
  };
}
