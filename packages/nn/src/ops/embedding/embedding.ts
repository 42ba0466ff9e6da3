// SPDX-License-Identifier: Apache-2.0
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { PackedWeight } from '../../contracts/weight-format.js';
import { tf } from '../../tf.js';
import { checkShape, intTensor, type Ints } from '../checks.js';
import { expandedRows } from '../../weights/expansion.js';
import { isReadNatively, packedOf } from '../../weights/packed.js';
import { isInHostMemory } from '../host-memory.js';
import { embeddingOp } from './gradient.js';

/**
 * Rows of a table: ids [T] of the table [V, C] → [T, C].
 *
 * @param ids prefer an Int32Array: it is checked here, and no backend has to read it back
 * @throws LLMF_NN_SHAPE, LLMF_NN_INDEX
 */
export function embedding(ids: Ints, table: Tensor2D): Tensor2D {
  checkShape('embedding', 'table', table, [null, null], '[vocabulary, hidden]');
  const vocabulary = table.shape[0];
  const weight = packedOf(table);
  return tf.tidy(() => {
    const places = intTensor('embedding', 'ids', ids, vocabulary);
    const known = ids instanceof Int32Array ? ids : isInHostMemory() ? (places.dataSync() as Int32Array) : null;
    if (weight !== null && known !== null && !isReadNatively(weight)) return gathered(known, weight);
    const [rows] = embeddingOp({ ids: places, table }, { vocabulary });
    return rows;
  });
}

/** Rows of a frozen table in a format that the backend does not read: those alone are expanded. */
function gathered(ids: Int32Array, weight: PackedWeight): Tensor2D {
  const columns = weight.shape[1]!;
  const rows = new Float32Array(ids.length * columns);
  for (const [place, id] of ids.entries()) rows.set(expandedRows(weight, id, id + 1), place * columns);
  return tf.tensor2d(rows, [ids.length, columns], 'float32');
}
