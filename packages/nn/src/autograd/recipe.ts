// SPDX-License-Identifier: Apache-2.0
import type { Tensor } from '@tensorflow/tfjs-core';
import { tf } from '../tf.js';
import { withoutTape } from './without-tape.js';

/**
 * A tensor that the reverse pass computes again instead of keeping it: the output of an operation that is cheap and
 * keeps its inputs anyway. Computed when the first of those who wait for it asks, freed when the last has let go. The
 * operation stands before them on the tape, so its inputs are there as long as anybody waits.
 */
export class Recipe {
  private value: Tensor | null = null;
  private waiting = 0;

  constructor(private readonly compute: () => Tensor) {}

  wait(): this {
    this.waiting++;
    return this;
  }

  get(): Tensor {
    this.value ??= tf.keep(withoutTape(this.compute));
    return this.value;
  }

  /** One of those who waited has what it needs. */
  dispose(): void {
    if (--this.waiting > 0) return;
    this.value?.dispose();
    this.value = null;
  }
}
