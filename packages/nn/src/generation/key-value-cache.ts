// SPDX-License-Identifier: Apache-2.0
import { tf } from '../tf.js';
import type { KeyValueCache } from '../contracts/model.js';

interface LayerCache {
  readonly keys: tf.Tensor3D; // [length, G, D]
  readonly values: tf.Tensor3D; // [length, G, D]
}

/** Keys and values of one sequence, grown by concatenation; the tensors live until `dispose`. */
export class TensorCache implements KeyValueCache {
  private tokens = 0;
  private readonly layers: LayerCache[] = [];

  /** Tokens held by every layer. */
  get length(): number {
    return this.tokens;
  }

  append(layer: number, keys: tf.Tensor3D, values: tf.Tensor3D): LayerCache {
    const held = this.layers[layer];
    const grown = {
      keys: tf.keep(held === undefined ? tf.clone(keys) : tf.concat([held.keys, keys], 0)),
      values: tf.keep(held === undefined ? tf.clone(values) : tf.concat([held.values, values], 0)),
    };
    held?.keys.dispose();
    held?.values.dispose();
    this.layers[layer] = grown;
    return grown;
  }

  advance(tokens: number): void {
    this.tokens += tokens;
  }

  dispose(): void {
    for (const { keys, values } of this.layers) {
      keys.dispose();
      values.dispose();
    }
    this.layers.length = 0;
    this.tokens = 0;
  }
}
