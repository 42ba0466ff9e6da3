// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import type { HealthRule } from './health-rule.js';
import { HealthWatch } from './health-watch.js';
import { fromTo, lastOf } from './series.js';

/** Rows of the log in which something that stands still is noticed, and those whose means are compared. */
const still = 20;
const compared = 5;

/** Preference losses that learn nothing, or something else than is wanted, by the metrics that they all report. */
export const preferenceRules: readonly HealthRule[] = [
  {
    name: 'loss-stuck',
    see(rows) {
      const losses = lastOf(rows, 'loss', still);
      const isOfPairs = lastOf(rows, 'rewards/margins', still) !== null;
      if (losses === null || !isOfPairs || losses.some((loss) => Math.abs(loss - Math.LN2) > 2e-3)) return null;
      return `the loss has stayed at ln 2 = 0.693 for ${still} rows of the log, so the policy prefers neither answer: raise train.learningRate, or look at the rows with llmf check, whose answers may be the same or cut off`;
    },
  },
  {
    name: 'chosen-falling',
    see(rows) {
      const chosen = fromTo(rows, 'rewards/chosen', compared);
      const margins = fromTo(rows, 'rewards/margins', compared);
      if (chosen === null || margins === null || chosen.to > chosen.from - 1 || margins.to <= margins.from) return null;
      return `the reward of the chosen answers fell from ${chosen.from.toPrecision(2)} to ${chosen.to.toPrecision(2)} while the margin rose: they become less likely too, only more slowly; lower train.learningRate, raise beta, or add a likelihood term such as loss sft`;
    },
  },
  {
    name: 'kl-stuck',
    see(rows) {
      const kl = lastOf(rows, 'kl', still);
      const isUnpaired = rows.some(({ metrics }) => metrics['rewards/chosen'] !== undefined);
      if (kl === null || !isUnpaired || kl.some((each) => each > 1e-4)) return null;
      return `the estimate of the divergence has stayed at 0 for ${still} rows of the log: the policy has not moved, or answers of other prompts have only become less likely; raise train.learningRate, or batchSize, over which it is estimated`;
    },
  },
];

/** Shows the log's rows of training to the rules. */
export function watchPreferences(run: Pick<Run, 'hooks' | 'logger'>): void {
  const watch = new HealthWatch(run, preferenceRules);
  run.hooks.log.tap('preference-health', (row) => {
    if (!('loss' in row)) return;
    const numbers = Object.entries(row).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
    watch.see(Number(row['step']), { metrics: Object.fromEntries(numbers) });
  });
}
