// SPDX-License-Identifier: Apache-2.0
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { checkShape, intTensor, type Ints } from '../checks.js';
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
  return tf.tidy(() => {
    const [rows] = embeddingOp({ ids: intTensor('embedding', 'ids', ids, vocabulary), table }, { vocabulary });
    return rows;
  });
}
