// SPDX-License-Identifier: Apache-2.0
import { embedding, tf, type Embedding } from '@llmf/nn';
import type { Grid } from '../processor/patches.js';

/**
 * Position embeddings of a square grid [side · side, E], stretched over each picture: bilinear, corners on corners. As
 * Transformers 5.18 does it (get_vision_interpolation_indices_and_weights), in float32.
 */
export class LearnedPositions {
  private readonly side: number;

  constructor(private readonly table: Embedding) {
    this.side = Math.trunc(Math.sqrt(table.weight.shape[0]));
  }

  /** @param places [P, 2] row and column of each patch @returns [P, E] */
  forward(places: Int32Array, grids: readonly Grid[]): tf.Tensor2D {
    const count = places.length / 2;
    const corners = Array.from({ length: 4 }, () => ({ ids: new Int32Array(count), weights: new Float32Array(count) }));
    let patch = 0;
    for (const { t, h, w } of grids) {
      for (let end = patch + t * h * w; patch < end; patch++) {
        const [top, bottom, down] = this.between(places[2 * patch]!, h);
        const [left, right, across] = this.between(places[2 * patch + 1]!, w);
        const found = [
          [top, left, (1 - down) * (1 - across)],
          [top, right, (1 - down) * across],
          [bottom, left, down * (1 - across)],
          [bottom, right, down * across],
        ] as const;
        for (const [corner, [row, column, weight]] of found.entries()) {
          corners[corner]!.ids[patch] = row * this.side + column;
          corners[corner]!.weights[patch] = weight;
        }
      }
    }
    return tf.addN(
      corners.map(({ ids, weights }) => tf.mul(embedding(ids, this.table.weight), tf.tensor2d(weights, [count, 1]))),
    ) as tf.Tensor2D;
  }

  /** The rows of the grid around a place of `length`, and how far it is from the first to the second. */
  private between(place: number, length: number): [number, number, number] {
    const at = length > 1 ? Math.fround((place * (this.side - 1)) / (length - 1)) : 0;
    const first = Math.floor(at);
    return [first, Math.min(first + 1, this.side - 1), Math.fround(at - first)];
  }
}
