// SPDX-License-Identifier: Apache-2.0
import type { NamedAttrMap, NamedTensorMap, Tensor3D, Variable } from '@tensorflow/tfjs-core';
import { kernels } from '../../contracts/ops.js';
import { errors } from '../../errors.js';
import { tf } from '../../tf.js';
import { checkShape } from '../checks.js';
import { isPlainJs } from '../host-memory.js';
import { writeRowsComposite, writeRowsOnHost } from './composite.js';

/**
 * target[rows[t]] = values[t], in place where the backend can: target [N, G, D], values [T, G, D].
 * @throws LLMF_NN_SHAPE, LLMF_NN_INDEX for a row outside of the target
 */
export function writeRows(target: Variable, values: Tensor3D, rows: Int32Array): void {
  const wanted = [rows.length, ...target.shape.slice(1)];
  checkShape('writeRows', 'values', values, wanted, `[${wanted.join(', ')}], a row of the target each`);
  const limit = target.shape[0]!;
  const position = rows.findIndex((row) => row < 0 || row >= limit);
  if (position >= 0) throw errors.index({ op: 'writeRows', input: 'rows', position, got: rows[position]!, limit });
  if (tf.getKernel(kernels.writeRows, tf.getBackend()) !== undefined) {
    const inputs = { target, values } as unknown as NamedTensorMap;
    tf.engine().runKernel(kernels.writeRows, inputs, { rows } as unknown as NamedAttrMap);
  } else if (isPlainJs()) {
    writeRowsOnHost(target, values, rows);
  } else {
    writeRowsComposite(target, values, rows);
  }
}
