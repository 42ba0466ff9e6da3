// SPDX-License-Identifier: Apache-2.0
import type { Stateful } from '@llmf/core';

/** Mean and standard deviation (unbiased) of some numbers. */
export interface Moments {
  readonly mean: number;
  readonly deviation: number;
}

/** Of one batch; the deviation of a single number is 0. */
export function momentsOf(values: readonly number[]): Moments {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)) };
}

/**
 * Moments of all batches so far, and of the first, as a run remembers them.
 * Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979; as the
 * RunningMoments of trlX and of TRL 0.9.
 */
export class RunningMoments implements Stateful {
  private count = 0;
  private mean = 0;
  private squares = 0;
  private first: Moments | null = null;

  add(values: readonly number[]): void {
    if (values.length === 0) return;
    const { mean } = momentsOf(values);
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const total = this.count + values.length;
    const delta = mean - this.mean;
    this.squares += squares + (delta ** 2 * this.count * values.length) / total;
    this.mean += (delta * values.length) / total;
    this.count = total;
    this.first ??= momentsOf(values);
  }

  get all(): Moments {
    const { count, mean, squares } = this;
    return { mean, deviation: count < 2 ? 0 : Math.sqrt(squares / (count - 1)) };
  }

  /** Of the first batch; zeros before there is one. */
  get ofFirst(): Moments {
    return this.first ?? { mean: 0, deviation: 0 };
  }

  save = () => {
    const { count, mean, squares, first } = this;
    return { json: { count, mean, squares, first } };
  };

  load: Stateful['load'] = ({ json }) => {
    Object.assign(this, json as Record<string, unknown>);
  };
}
