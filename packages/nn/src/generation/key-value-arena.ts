// SPDX-License-Identifier: Apache-2.0
import type { AttentionSpan } from '../contracts/ops.js';
import type { SourceCache } from '../contracts/model.js';
import { writeRows } from '../ops/write-rows/write-rows.js';
import { tf } from '../tf.js';
import { FreeRanges } from './free-ranges.js';

interface LayerArena {
  readonly keys: tf.Variable; // [capacity, G, D]
  readonly values: tf.Variable; // [capacity, G, D]
}

/** One place for the keys and values of many sequences; each has ranges of rows of its own. */
export class KeyValueArena implements SourceCache {
  spans: readonly AttentionSpan[] = [];
  readonly ranges: FreeRanges;
  private rows: Int32Array = new Int32Array(0);
  private readonly layers: LayerArena[] = [];

  /**
   * @param capacity tokens
   * @param across for the tokens of an encoder; disposed with this one
   */
  constructor(
    private readonly capacity: number,
    readonly across?: KeyValueArena,
  ) {
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

  held(layer: number): { keys: tf.Tensor3D; values: tf.Tensor3D } {
    return this.layers[layer] as unknown as { keys: tf.Tensor3D; values: tf.Tensor3D };
  }

  dispose(): void {
    this.across?.dispose();
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
