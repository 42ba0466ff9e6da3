// SPDX-License-Identifier: Apache-2.0
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { WeightSource } from '../contracts/index.js';
import type { Ints } from '../ops/checks.js';
import { embedding } from '../ops/embedding/embedding.js';

/** Rows of a table by id: [T] → [T, size]. */
export class Embedding {
  readonly count: number;
  readonly size: number;

  constructor(readonly weight: Tensor2D) {
    [this.count, this.size] = weight.shape;
  }

  /** The table `<path>.weight`. */
  static from(weights: WeightSource, path: string): Embedding {
    return new Embedding(weights.take(`${path}.weight`).value as Tensor2D);
  }

  forward(ids: Ints): Tensor2D {
    return embedding(ids, this.weight);
  }
}
