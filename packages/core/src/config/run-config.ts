// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

const bestMode = z
  .enum(['auto', 'min', 'max'])
  .default('auto')
  .describe('What is better; auto: less of a loss, perplexity or divergence, more of anything else.');

/** `train:` of the config. Defaults are the peers' where they agree; null means "no limit". */
export const trainOptions = z.strictObject({
  batchSize: z
    .int()
    .min(1)
    .default(2)
    .describe('Rows of the stage (pairs in `preference`); a step has this times `gradientAccumulation`.'),
  gradientAccumulation: z.int().min(1).default(4).describe('Batches of `batchSize` rows in an optimizer step.'),
  tokensPerPass: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'Tokens that go through the model at once: a step takes as many passes as needed; null: 1,024, or fewer where they would keep more bytes than the weights have.',
    )
    .meta({ decides: false }),
  epochs: z.number().positive().default(1).describe('Passes over the training rows.').meta({ decides: false }),
  maxSteps: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('Optimizer steps; overrides `epochs`.')
    .meta({ decides: false }),
  learningRate: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('Peak learning rate; null: what the stage takes with an adapter, or for all weights.'),
  warmupRatio: z.number().min(0).max(1).default(0.1).describe('Share of all steps spent warming up.'),
  warmupSteps: z.int().min(0).nullable().default(null).describe('Steps of warm-up; overrides `warmupRatio`.'),
  weightDecay: z.number().min(0).default(0).describe('Decoupled weight decay of matrices; norms and biases have none.'),
  groups: z
    .array(
      z.strictObject({
        match: z.string().min(1).describe('Names of parameters that contain this, or a /pattern/ over them.'),
        rate: z.number().min(0).optional().describe('Factor on the learning rate.'),
        weightDecay: z.number().min(0).optional().describe('In place of train.weightDecay.'),
      }),
    )
    .default([])
    .describe('Parameters with a rate or decay of their own; the last group that matches one holds.'),
  earlyStopping: z
    .strictObject({
      metric: z.string().min(1).default('eval_loss').describe('Metric of an evaluation, as metrics.jsonl names it.'),
      patience: z.int().min(1).default(3).describe('Evaluations without improvement that end the run.'),
      minDelta: z.number().min(0).default(0).describe('Least change that counts as an improvement.'),
      mode: bestMode,
    })
    .nullable()
    .default(null)
    .describe('End the run when a metric no longer improves; null: never.')
    .meta({ decides: false }),
  keepBest: z
    .strictObject({
      metric: z.string().min(1).default('eval_loss').describe('Metric of an evaluation, as metrics.jsonl names it.'),
      mode: bestMode,
    })
    .nullable()
    .default(null)
    .describe('Keep the best checkpoint by a metric, and write its weights at the end; null: the last ones.')
    .meta({ decides: false }),
  maxGradNorm: z
    .number()
    .positive()
    .nullable()
    .default(1)
    .describe('Clip the global gradient norm to this; null: no clipping.'),
  gradientCheckpointing: z
    .boolean()
    .nullable()
    .default(null)
    .describe(
      'Recompute each block in the backward pass: less memory, a third more work; null: where the estimate is beyond what the machine has.',
    ),
  seed: z.int().min(0).default(42).describe('Key of every random number of the run.'),
  logEvery: z.int().min(1).default(1).describe('Steps between rows of metrics.jsonl.').meta({ decides: false }),
  saveEvery: z
    .int()
    .min(1)
    .nullable()
    .default(500)
    .describe('Steps between checkpoints; null: only at the end or when interrupted.')
    .meta({ decides: false }),
  evalEvery: z
    .int()
    .min(1)
    .nullable()
    .default(500)
    .describe('Steps between evaluations; null: only at the end.')
    .meta({ decides: false }),
  evalOnStart: z.boolean().default(false).describe('Evaluate once before step 1.').meta({ decides: false }),
  keepCheckpoints: z.int().min(1).default(2).describe('Newest checkpoints kept.').meta({ decides: false }),
});
export type TrainOptions = z.infer<typeof trainOptions>;
/** `train:` as it may be written: every key optional. */
export type TrainInput = z.input<typeof trainOptions>;

/** A slot's choice after validation: the chosen name and its parsed options. */
export interface Choice {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Weight in the sum for slots that take several; 1 otherwise. */
  readonly weight: number;
}

/** The validated config: the engine's keys, every slot's choice, every plugin section. */
export interface RunConfig {
  readonly plugins: readonly string[];
  readonly output: string;
  /** Storage of a full model's final file; `auto` keeps the source's. */
  readonly saveDtype: 'auto' | 'f32' | 'f16' | 'bf16';
  readonly train: TrainOptions;
  /** Keys of `train` that were written; the others have their defaults. */
  readonly stated: readonly string[];
  /** By slot key. One of the slot's "none" names keeps its entry, with the shared options only. */
  readonly choices: Readonly<Record<string, readonly Choice[]>>;
  /** A line for each choice that the user's files made. */
  readonly inferred: readonly string[];
  /** By section key (`model`, `data`, …), parsed by the plugin that declared it. */
  readonly sections: Readonly<Record<string, unknown>>;
  /** The part of `resolved` that decides the result: what a checkpoint keeps, to be compared on resume. */
  readonly deciding: Readonly<Record<string, unknown>>;
  /** Keys of it that say where something lies: `data.train.0.path`. */
  readonly places: readonly string[];
  /** Keys that have their schema's default. */
  readonly defaults: readonly string[];
  /** The whole config as plain data with every default filled in, for run.json. */
  readonly resolved: Readonly<Record<string, unknown>>;
}
