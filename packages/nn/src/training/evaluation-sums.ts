// SPDX-License-Identifier: Apache-2.0
import { MetricTotals } from './metric-totals.js';
import type { LossPart } from './objective.js';

/** Loss parts and metrics over a held-out set: sums and counts over all of it, divided once at the end. */
export class EvaluationSums {
  private readonly totals = new MetricTotals();
  private weights: readonly { readonly name: string; readonly weight: number }[] = [];

  add(parts: readonly LossPart[]): void {
    this.weights = parts.map(({ name, weight }) => ({ name, weight }));
    for (const [index, { sum, count, metrics }] of parts.entries()) {
      this.totals.addMetrics({ [partKey(index)]: { sum, count }, ...metrics });
    }
  }

  /** Metric averages, `loss` as the weighted sum of its parts and, of several, each part by name. */
  async averages(): Promise<Record<string, number>> {
    const all = await this.totals.read();
    const loss = this.weights.reduce((sum, { weight }, index) => sum + weight * all[partKey(index)]!, 0);
    const parts = this.weights.length > 1 ? this.weights.map(({ name }, i) => [`loss/${name}`, all[partKey(i)]!]) : [];
    for (const index of this.weights.keys()) delete all[partKey(index)];
    return { loss, ...Object.fromEntries(parts), ...all };
  }
}

const partKey = (index: number) => `part/${index}`;
