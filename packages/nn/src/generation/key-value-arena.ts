// SPDX-License-Identifier: Apache-2.0
import type { AttentionSpan } from '../contracts/ops.js';
import type { KeyValueCache } from '../contracts/model.js';
import { writeRows } from '../ops/write-rows/write-rows.js';
import { tf } from '../tf.js';
import { FreeRanges } from './free-ranges.js';

interface LayerArena {
  readonly keys: tf.Variable; // [capacity, G, D]
  readonly values: tf.Variable; // [capacity, G, D]
}

/** One place for the keys and values of many sequences; each has ranges of rows of its own. */
export class KeyValueArena implements KeyValueCache {
  spans: readonly AttentionSpan[] = [];
  readonly ranges: FreeRanges;
  private rows: Int32Array = new Int32Array(0);
  private readonly layers: LayerArena[] = [];

  /** @param capacity tokens */
  constructor(private readonly capacity: number) {
    this.ranges = new FreeRanges(capacity);
  }

  /** Before a pass: its tokens are filed in these rows and see these spans. */
  begin(rows: Int32Array, spans: readonly AttentionSpan[]): void {
    this.rows = rows;
    this.spans = spans;
  }

  append(layer: number, keys: tf.Tensor3D, values: tf.Tensor3D): { keys: tf.Tensor3D; values: tf.Tensor3D } {
    const arena = (this.layers[layer] ??= this.open(keys.shape));
    writeRows(arena.keys, keys, this.rows);
    writeRows(arena.values, values, this.rows);
    return arena as unknown as { keys: tf.Tensor3D; values: tf.Tensor3D };
  }

  dispose(): void {
    for (const { keys, values } of this.layers) tf.dispose([keys, values]);
    this.layers.length = 0;
  }

  private open([, heads, size]: readonly number[]): LayerArena {
    const zeros = () => {
      const tensor = tf.zeros([this.capacity, heads!, size!]);
      const variable = tf.variable(tensor, false);
      tensor.dispose();
      return variable;
    };
    return { keys: zeros(), values: zeros() };
  }
}
