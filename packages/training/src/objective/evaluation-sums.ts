// SPDX-License-Identifier: Apache-2.0
import { MetricTotals } from './metric-totals.js';
import type { LossPart } from './objective.js';

/** Loss parts and metrics over a held-out set: sums and counts over all of it, divided once at the end. */
export class EvaluationSums {
  private readonly totals = new MetricTotals();
  private parts: readonly Pick<LossPart, 'term' | 'name' | 'weight'>[] = [];

  add(parts: readonly LossPart[]): void {
    this.parts = parts;
    for (const [index, { sum, count, metrics, ratios }] of parts.entries()) {
      this.totals.addMetrics({ [partKey(index)]: { sum, count }, ...metrics });
      this.totals.addRatios(ratios ?? {});
    }
  }

  /** Metric averages, `loss` as the weighted sum of its parts and, with several terms, each term by name. */
  async averages(): Promise<Record<string, number>> {
    const all = await this.totals.read();
    const severalTerms = new Set(this.parts.map(({ term }) => term)).size > 1;
    const terms: Record<string, number> = {};
    let loss = 0;
    for (const [index, { name, weight }] of this.parts.entries()) {
      const average = all[partKey(index)]!;
      delete all[partKey(index)];
      loss += weight * average;
      if (severalTerms) terms[`loss/${name}`] = (terms[`loss/${name}`] ?? 0) + average;
    }
    return { loss, ...terms, ...all };
  }
}

const partKey = (index: number) => `part/${index}`;
