// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import { AdapterToken } from '@llmf/nn';
import { chosen } from '../choose.js';
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
  const ofAdapter = adapter === null || trainsBase ? null : rateOfAdapter(run);
  const rate = ofAdapter?.rate ?? (adapter === null || trainsBase ? rates.full : rates.adapter);
  const what = adapter === null || trainsBase ? 'the model’s own weights' : 'an adapter';
  const why = ofAdapter === null ? `stage ${stage.name} with ${what}` : `adapter ${ofAdapter.name}`;
  run.record['learningRate'] = rate;
  run.logger.info(
    `learning rate ${rate.toLocaleString('en', { maximumFractionDigits: 9 })} (${why}; train.learningRate sets another)`,
  );
  return rate;
}

/** Of the chosen kind of adapter, if it states one. */
function rateOfAdapter(run: Run): { readonly name: string; readonly rate: number } | null {
  const { name } = run.config.choices['adapter']![0]!;
  const { learningRate } = chosen(run.container, AdapterToken, name, 'adapter');
  return learningRate === undefined ? null : { name, rate: learningRate };
}
