// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import type { Policy } from '../policy/policy.js';

/** Peak rates of a stage where the config names none: with an adapter on frozen weights, and for the model's own. */
export interface LearningRates {
  readonly adapter: number;
  readonly full: number;
}

/** Of a stage that states none: those of supervised tuning. */
const usual: LearningRates = { adapter: 2e-4, full: 2e-5 };

interface RatedStage {
  readonly name: string;
  readonly learningRates?: LearningRates;
}

/** The peak rate of a run. One that the stage chose is said and recorded in run.json. */
export function peakLearningRate(run: Run, stage: RatedStage, { adapter, model }: Policy): number {
  const { learningRate } = run.config.train;
  if (learningRate !== null) return learningRate;
  const trainsBase = [...model.parameters.values()].some(({ trainable }) => trainable);
  const rates = stage.learningRates ?? usual;
  const rate = adapter === null || trainsBase ? rates.full : rates.adapter;
  const what = rate === rates.full ? 'the model’s own weights' : 'an adapter';
  run.record['learningRate'] = rate;
  run.logger.info(
    `learning rate ${rate.toLocaleString('en', { maximumFractionDigits: 9 })} (stage ${stage.name} with ${what}; train.learningRate sets another)`,
  );
  return rate;
}
