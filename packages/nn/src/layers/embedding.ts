// SPDX-License-Identifier: Apache-2.0
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { EmbeddingLayer } from '../contracts/model.js';
import type { Ints } from '../ops/checks.js';
import { embedding } from '../ops/embedding/embedding.js';

/** Rows of a table by id: [T] → [T, size]. */
export class Embedding implements EmbeddingLayer {
  readonly count: number;
  readonly size: number;

  /** @param path module path; the table is its `weight` */
  constructor(
    readonly weight: Tensor2D,
    readonly path = '',
  ) {
    [this.count, this.size] = weight.shape;
  }

  forward(ids: Ints): Tensor2D {
    return embedding(ids, this.weight);
  }
}
