// SPDX-License-Identifier: Apache-2.0
import type { MetricRatios, MetricSum } from '../contracts/loss.js';
import type { Tensor, Tensor1D } from '@llmf/nn';
import { isInHostMemory, tf } from '@llmf/nn';

interface Total {
  /** [n]; n is 1 but for a metric of several sums. */
  readonly value: Tensor1D;
  readonly count: number | Tensor1D;
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

  addRatios(ratios: Readonly<Record<string, MetricRatios>>): void {
    for (const [name, { sums, counts }] of Object.entries(ratios)) this.add(name, sums, counts);
  }

  /** Reads all values and disposes them. */
  async read(): Promise<Record<string, number>> {
    const entries = [...this.totals];
    if (entries.length === 0) return {};
    const tensors = entries.flatMap(([, total]) => tensorsOf(total));
    const values = isInHostMemory() ? joined(tensors.map((tensor) => tensor.dataSync())) : inOneTransfer(tensors);
    this.dispose();
    return averages(entries, await values);
  }

  dispose(): void {
    for (const total of this.totals.values()) tf.dispose(tensorsOf(total));
    this.totals.clear();
  }

  private add(name: string, amount: Tensor, count: number | Tensor1D): void {
    const before = this.totals.get(name);
    const value = summed(before?.value, amount);
    const counted = typeof count === 'number' ? count + ((before?.count as number) ?? 0) : summed(before?.count, count);
    if (before !== undefined) tf.dispose(tensorsOf(before));
    this.totals.set(name, { value, count: counted });
  }
}

/** Where every read waits for the queue. Begun at once: the tensors may be disposed. */
async function inOneTransfer(tensors: readonly Tensor1D[]): Promise<Float32Array> {
  const all = tf.tidy(() => tf.concat([...tensors]) as Tensor1D);
  try {
    return (await all.data()) as Float32Array;
  } finally {
    all.dispose();
  }
}

function joined(parts: readonly ArrayLike<number>[]): Float32Array {
  const values = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return values;
}

const tensorsOf = ({ value, count }: Total): Tensor1D[] => (typeof count === 'number' ? [value] : [value, count]);

function summed(before: number | Tensor1D | undefined, amount: Tensor): Tensor1D {
  const sum = tf.tidy(() => tf.reshape(before === undefined ? amount : tf.add(before, amount), [-1]) as Tensor1D);
  return tf.keep(sum);
}

/** @param values those of `tensorsOf` of every entry, one after the other */
function averages(entries: readonly (readonly [string, Total])[], values: Float32Array): Record<string, number> {
  let at = 0;
  const take = (count: number) => values.subarray(at, (at += count));
  return Object.fromEntries(
    entries.map(([name, { value, count }]) => {
      const sums = take(value.size);
      if (typeof count === 'number') return [name, sums[0]! / (count === 0 ? 1 : count)];
      const counts = take(value.size);
      const ratios = [...sums].flatMap((sum, each) => (counts[each]! > 0 ? [sum / counts[each]!] : []));
      return [name, ratios.reduce((total, ratio) => total + ratio, 0) / Math.max(1, ratios.length)];
    }),
  );
}
