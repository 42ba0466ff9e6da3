// SPDX-License-Identifier: Apache-2.0
/** A config that asks for evaluations in a run without held-out rows. */
import type { RunConfig, TrainOptions } from '../config/run-config.js';
import { runErrors } from './run-errors.js';

/**
 * Refuses, before a step is spent, to wait for a metric of an evaluation where no held-out row is evaluated.
 * @throws LLMF_CORE_METRIC_ABSENT
 */
export function checkEvaluated({ earlyStopping, keepBest }: Pick<TrainOptions, 'earlyStopping' | 'keepBest'>): void {
  const [key, choice] =
    keepBest === null ? (['earlyStopping', earlyStopping] as const) : (['keepBest', keepBest] as const);
  if (choice !== null) throw runErrors.metricAbsent({ key, metric: choice.metric, known: [] });
}

/** What to say of keys that were written and evaluate nothing; null: there are none. */
export function unevaluated({ train, stated }: Pick<RunConfig, 'train' | 'stated'>): string | null {
  const asks = { evalEvery: train.evalEvery !== null, evalOnStart: train.evalOnStart };
  const keys = (['evalEvery', 'evalOnStart'] as const).filter((key) => asks[key] && stated.includes(key));
  if (keys.length === 0) return null;
  const names = keys.map((key) => `train.${key}`).join(' and ');
  return `${names} ${keys.length === 1 ? 'evaluates' : 'evaluate'} nothing: there are no held-out rows (data.eval)`;
}
