// SPDX-License-Identifier: Apache-2.0
/** Tables of embeddings as adapters change them. */
import type { Tensor2D, Variable } from '@tensorflow/tfjs-core';
import type { EmbeddingLayer } from '../contracts/model.js';
import { embedding } from '../ops/embedding/embedding.js';
import { tf } from '../tf.js';

/** A table that an adapter changes, and what it is then. */
export interface ChangedEmbedding extends EmbeddingLayer {
  /** The whole table [count, size] with the change in it; the caller disposes it. */
  changed(): Tensor2D;
}

/**
 * LoRA of a table (Hu et al., ICLR 2022; peft 0.21, tuners/lora/layer.py, Embedding): row `id` is W[id] + s·A[:, id]ᵀ Bᵀ,
 * A [r, count], B [size, r]. A head that is tied to the table stays W, as in PEFT.
 */
export class LowRankEmbedding implements ChangedEmbedding {
  readonly path: string;
  readonly count: number;
  readonly size: number;
  readonly weight: Tensor2D;

  constructor(
    private readonly base: EmbeddingLayer,
    private readonly update: { readonly a: Variable; readonly b: Variable; readonly scale: number },
  ) {
    ({ path: this.path, count: this.count, size: this.size, weight: this.weight } = base);
  }

  forward(ids: Parameters<EmbeddingLayer['forward']>[0]): Tensor2D {
    const { a, b, scale } = this.update;
    const rows = embedding(ids, tf.transpose(a as unknown as Tensor2D)); // [T, r]
    return tf.add(this.base.forward(ids), tf.mul(tf.matMul(rows, b as unknown as Tensor2D, false, true), scale));
  }

  changed(): Tensor2D {
    const { a, b, scale } = this.update;
    return tf.tidy(() => {
      const added = tf.matMul(a as unknown as Tensor2D, b as unknown as Tensor2D, true, true); // [count, size]
      return tf.add(allRows(this.weight), tf.mul(added, scale));
    });
  }
}

/** Some rows of a table that are trained (peft 0.21, tuners/trainable_tokens/layer.py): row ids[i] is rows[i]. */
export class EmbeddingOfTokens implements ChangedEmbedding {
  readonly path: string;
  readonly count: number;
  readonly size: number;
  readonly weight: Tensor2D;
  private readonly places: ReadonlyMap<number, number>;

  constructor(
    private readonly base: EmbeddingLayer,
    private readonly ids: readonly number[],
    private readonly rows: Variable, // [ids, size]
  ) {
    ({ path: this.path, count: this.count, size: this.size, weight: this.weight } = base);
    this.places = new Map(ids.map((id, place) => [id, place]));
  }

  /** Ids on the host; those of training and generation are. */
  forward(ids: Parameters<EmbeddingLayer['forward']>[0]): Tensor2D {
    const known = ids instanceof Int32Array ? ids : (ids.dataSync() as Int32Array);
    const plain = this.base.forward(ids); // [T, size]
    if (!known.some((id) => this.places.has(id))) return plain;
    const order = Int32Array.from(known, (id, at) => {
      const place = this.places.get(id);
      return place === undefined ? at : known.length + place;
    });
    return embedding(order, tf.concat([plain, this.rows as unknown as Tensor2D], 0));
  }

  changed(): Tensor2D {
    return tf.tidy(() => withRows(allRows(this.weight), this.ids, this.rows));
  }
}

/** A table [count, size], or the weight of a head, with some rows [ids, size] in the place of its own. */
export function withRows(table: Tensor2D, ids: readonly number[], rows: Variable): Tensor2D {
  const [count] = table.shape;
  const order = Int32Array.from({ length: count }, (_, id) => id);
  for (const [place, id] of ids.entries()) order[id] = count + place;
  return tf.tidy(() => embedding(order, tf.concat([table, rows as unknown as Tensor2D], 0)));
}

/** A table as f32, whatever it is kept in. */
export const allRows = (table: Tensor2D): Tensor2D =>
  embedding(
    Int32Array.from({ length: table.shape[0] }, (_, id) => id),
    table,
  );
