// SPDX-License-Identifier: Apache-2.0
import type { MetricSum } from '../contracts/loss.js';
import type { Scalar, Tensor } from '@llmf/nn';
import { tf } from '@llmf/nn';

interface Total {
  value: Scalar;
  count: number;
}

/**
 * Metrics of an optimizer step as they add up over microbatches, still tensors: shares are summed, metric sums are
 * divided by their counts at the end. Read once, asynchronously, after the step is queued.
 */
export class MetricTotals {
  private readonly totals = new Map<string, Total>();

  /** A part of a value that is already divided by the step's units. */
  addShare(name: string, share: Tensor): void {
    this.add(name, share, 0);
  }

  /** As `addShare`, and disposes the share. */
  takeShare(name: string, share: Tensor): void {
    this.addShare(name, share);
    share.dispose();
  }

  addMetrics(metrics: Readonly<Record<string, MetricSum>>): void {
    for (const [name, { sum, count }] of Object.entries(metrics)) this.add(name, sum, count);
  }

  /** Reads all values in one transfer and disposes them. */
  async read(): Promise<Record<string, number>> {
    const entries = [...this.totals];
    this.totals.clear();
    if (entries.length === 0) return {};
    const stacked = tf.tidy(() => tf.stack(entries.map(([, { value }]) => value)));
    for (const [, { value }] of entries) value.dispose();
    try {
      const values = await stacked.data();
      return Object.fromEntries(entries.map(([name, { count }], i) => [name, values[i]! / (count === 0 ? 1 : count)]));
    } finally {
      stacked.dispose();
    }
  }

  dispose(): void {
    for (const { value } of this.totals.values()) value.dispose();
    this.totals.clear();
  }

  private add(name: string, amount: Tensor, count: number): void {
    const before = this.totals.get(name);
    const sum = tf.tidy(() => tf.reshape(before === undefined ? amount : tf.add(before.value, amount), []) as Scalar);
    tf.keep(sum);
    before?.value.dispose();
    this.totals.set(name, { value: sum, count: (before?.count ?? 0) + count });
  }
}
