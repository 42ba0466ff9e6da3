// SPDX-License-Identifier: Apache-2.0
import { flag, floats, optional, output, size } from '../signature.js';

export const matMulSignatures = {
  /** `aBatch`, `bBatch`: elements from one matrix of the batch to the next; 0 where the same one is used again. */
  matMul: {
    batch: size,
    m: size,
    n: size,
    k: size,
    transposeA: flag,
    transposeB: flag,
    aBatch: size,
    bBatch: size,
    a: floats('of_batch(batch, a_batch, m * k)'),
    b: floats('of_batch(batch, b_batch, k * n)'),
    bias: optional(floats('n')),
    c: output('batch * m * n'),
  },
};
