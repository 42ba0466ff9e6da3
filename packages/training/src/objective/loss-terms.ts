// SPDX-License-Identifier: Apache-2.0
import type { Choice, Run } from '@llmf/core';
import { chosen } from '../choose.js';
import { trainingHooks } from '../contracts/hooks.js';
import { LossToken, type LossNeeds, type LossTerm } from '../contracts/loss.js';
import { trainingErrors } from '../training-errors.js';
import type { LearningRates } from '../updater/learning-rate.js';
import { unitedNeeds } from './loss-needs.js';

/** What a stage says of itself to the losses it minimises. */
export interface LossStage {
  readonly name: string;
  /** Kind of its rows. */
  readonly rows: string;
  /** Where the config names no rate. */
  readonly learningRates?: LearningRates;
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
export function lossTermsOf(run: Run, stage: LossStage): RunTerms {
  const terms = trainingHooks(run).lossTerms.call(configuredTerms(run));
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
function configuredTerms(run: Run): LossTerm[] {
  return lossChoices(run.config.choices['loss']).map(({ name, options, weight }) => ({
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
