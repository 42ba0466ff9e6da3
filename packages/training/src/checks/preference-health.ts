// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';

type Metrics = Readonly<Record<string, number>>;

/** Looks at the logged rows so far, and says what is wrong and what helps; null: nothing is. */
interface Rule {
  readonly name: string;
  readonly see: (rows: readonly Metrics[]) => string | null;
}

/** Rows in which something that stands still is noticed, and the rows whose means are compared. */
const still = 20;
const compared = 5;

/** Preference losses that learn nothing, or something else than is wanted, by the metrics that they all report. */
export const preferenceRules: readonly Rule[] = [
  {
    name: 'loss-stuck',
    see(rows) {
      const pairs = lastOf(rows, 'loss').length === still && lastOf(rows, 'rewards/margins').length === still;
      if (!pairs || lastOf(rows, 'loss').some((loss) => Math.abs(loss - Math.LN2) > 2e-3)) return null;
      return `the loss has stayed at ln 2 = 0.693 for ${still} rows of the log, so the policy prefers neither answer: raise train.learningRate, or look at the rows with llmf check, whose answers may be the same or cut off`;
    },
  },
  {
    name: 'chosen-falling',
    see(rows) {
      const chosen = fromTo(rows, 'rewards/chosen');
      const margins = fromTo(rows, 'rewards/margins');
      if (chosen === null || margins === null || chosen.to > chosen.from - 1 || margins.to <= margins.from) return null;
      return `the reward of the chosen answers fell from ${chosen.from.toPrecision(2)} to ${chosen.to.toPrecision(2)} while the margin rose: they become less likely too, only more slowly; lower train.learningRate, raise beta, or add a likelihood term such as loss sft`;
    },
  },
  {
    name: 'kl-stuck',
    see(rows) {
      const kl = lastOf(rows, 'kl');
      const isUnpaired = lastOf(rows, 'rewards/chosen').length > 0;
      if (!isUnpaired || kl.length < still || kl.some((each) => each > 1e-4)) return null;
      return `the estimate of the divergence has stayed at 0 for ${still} rows of the log: the policy has not moved, or answers of other prompts have only become less likely; raise train.learningRate, or batchSize, over which it is estimated`;
    },
  },
];

/** Taps the log; each rule speaks once, in a line. */
export function watchPreferences(run: Pick<Run, 'hooks' | 'logger'>): void {
  const rows: Metrics[] = [];
  const said = new Set<string>();
  run.hooks.log.tap('preference-health', ({ step, ...metrics }) => {
    if (!('loss' in metrics)) return;
    rows.push(
      Object.fromEntries(
        Object.entries(metrics).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
      ),
    );
    if (rows.length > compared + still) rows.splice(compared, 1);
    for (const { name, see } of preferenceRules) {
      const line = said.has(name) ? null : see(rows);
      if (line === null) continue;
      said.add(name);
      run.logger.warn(`health (step ${step}, ${name}): ${line}`);
    }
  });
}

const lastOf = (rows: readonly Metrics[], metric: string): number[] =>
  rows.slice(-still).flatMap((row) => row[metric] ?? []);

/** Means over the first rows and the last; null before these are apart. */
function fromTo(rows: readonly Metrics[], metric: string): { readonly from: number; readonly to: number } | null {
  const values = rows.flatMap((row) => row[metric] ?? []);
  if (values.length < 2 * compared) return null;
  return { from: mean(values.slice(0, compared)), to: mean(values.slice(-compared)) };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
