// SPDX-License-Identifier: Apache-2.0
import type { Choice, Run } from '@llmf/core';
import { chosen } from '../choose.js';
import { trainingHooks } from '../contracts/hooks.js';
import type { LabelRequest } from '../contracts/data.js';
import { LossToken, type LossNeeds, type LossTerm } from '../contracts/loss.js';
import { trainingErrors } from '../training-errors.js';
import type { LearningRates } from '../updater/learning-rate.js';
import type { RowChanges } from '../rows/feed.js';
import { unitedNeeds } from './loss-needs.js';

/** What a stage says of itself to the losses it minimises. */
export interface LossStage {
  readonly name: string;
  /** Kind of its rows. */
  readonly rows: string;
  /** Where the config names no rate. */
  readonly learningRates?: LearningRates;
  /** What the stage itself brings to a run with these options, or to a task of one. */
  parts?(run: Run, options: never, task?: TaskOfRun): Promise<StageParts>;
}

/** What a stage brings to the losses of its rows. */
export interface StageParts {
  /** Beside those of the config. */
  readonly terms?: readonly LossTerm[];
  readonly labels?: LabelRequest;
  readonly changes?: RowChanges;
}

/** A stage's rows as one of several tasks: its heads stand beside the others', under its name. */
export interface TaskOfRun {
  readonly task: string;
}

export interface RunTerms {
  readonly terms: readonly LossTerm[];
  /** What they need together. */
  readonly needs: LossNeeds;
}

/**
 * The loss terms of the config, through the taps of `lossTerms`, checked against stage and config.
 * @throws LLMF_TRAINING_NO_LOSS, …_LOSS_ROWS, …_BATCH_COUPLED, …_REFERENCE_UNUSED
 */
export function lossTermsOf(
  run: Run,
  stage: LossStage,
  own: readonly LossTerm[] = [],
  choices: readonly Choice[] = lossChoices(run.config.choices['loss']),
): RunTerms {
  const terms = trainingHooks(run).lossTerms.call([...own, ...configuredTerms(run, choices)]);
  if (terms.length === 0) throw trainingErrors.noLoss({ stage: stage.name });
  const needs = unitedNeeds(terms, stage.rows, stage.name);
  checkCoupling(run, terms, needs.coupling);
  if (needs.reference === 'none') checkNoReference(run, terms);
  return { terms, needs };
}

/** What `loss:` says for a stage that has its own objective. */
export const noLoss = 'none';

/** The losses that the config chose; none for a stage that has its own objective. */
export const lossChoices = (choices: readonly Choice[] = []): readonly Choice[] =>
  choices.filter(({ name }) => name !== noLoss);

/** With the options their plugins parsed. */
function configuredTerms(run: Run, choices: readonly Choice[]): LossTerm[] {
  return choices.map(({ name, options, weight }) => ({
    loss: chosen(run.container, LossToken, name, 'loss'),
    options: options as never,
    weight,
  }));
}

/** A batch-coupled loss must see its batches whole; with accumulation it differs from one large batch, so say it. */
function checkCoupling(run: Run, terms: readonly LossTerm[], coupling: 'item' | 'batch'): void {
  if (coupling === 'item') return;
  const losses = terms
    .filter(({ loss, options }) => loss.needs(options).coupling === 'batch')
    .map(({ loss }) => loss.name);
  const { tokensPerPass, gradientAccumulation } = run.config.train;
  if (tokensPerPass !== null) throw trainingErrors.batchCoupled({ losses });
  if (gradientAccumulation > 1) {
    run.logger.warn(
      `the items of ${losses.join(', ')} depend on their batch: ${gradientAccumulation} accumulated microbatches are not one large batch`,
    );
  }
}

/** @throws LLMF_TRAINING_REFERENCE_UNUSED when the config chose a reference that no loss compares with. */
function checkNoReference(run: Run, terms: readonly LossTerm[]): void {
  const reference = run.config.choices['reference']?.[0]?.name ?? 'auto';
  if (reference === 'auto') return;
  throw trainingErrors.referenceUnused({ reference, losses: terms.map(({ loss }) => loss.name) });
}
