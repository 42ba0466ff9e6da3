// SPDX-License-Identifier: Apache-2.0
import { tf, type AttachedHead, type Tensor2D } from '@llmf/nn';
import type { Batch } from '../contracts/data.js';

/** What a head makes of the hidden states [T, C] of a batch: [S, outputs] at tokens, [R, outputs] at answers. */
export function headOutputs(attached: AttachedHead, hidden: Tensor2D, batch: Batch): Tensor2D {
  const { at } = attached.head;
  if (at === 'token') return attached.forward(rowsOf(hidden, batch.rows));
  const { start, length } = batch.responses;
  if (at === 'last')
    return attached.forward(
      rowsOf(
        hidden,
        start.map((first, r) => first + length[r]! - 1),
      ),
    );
  const means = [...start].map((first, r) => tf.mean(tf.slice(hidden, [first, 0], [length[r]!, -1]), 0));
  return attached.forward(tf.stack(means) as Tensor2D);
}

const rowsOf = (hidden: Tensor2D, rows: Int32Array): Tensor2D => tf.gather(hidden, tf.tensor1d(rows, 'int32'));
