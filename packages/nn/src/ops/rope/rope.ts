// SPDX-License-Identifier: Apache-2.0
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { errors } from '../../errors.js';
import { checkShape } from '../checks.js';
import { ropeOp } from './gradient.js';

/**
 * Su et al., "RoFormer", 2021, equation 34: in halves as GPT-NeoX, where pair i of a head is (x_i, x_{i + R/2}), or
 * interleaved as GPT-J (and the paper), where it is (x_2i, x_{2i + 1}).
 * x [T, H, D], cos and sin [T, R/2] (from `ropeTables`), R ≤ D; values beyond R stay.
 *
 * @throws LLMF_NN_SHAPE
 */
export function rope(x: Tensor3D, cos: Tensor2D, sin: Tensor2D, interleaved = false): Tensor3D {
  checkShape('rope', 'x', x, [null, null, null], '[tokens, heads, head size]');
  checkShape('rope', 'cos', cos, [x.shape[0], null], `[${x.shape[0]}, rotated / 2], one row per token`);
  checkShape('rope', 'sin', sin, cos.shape, `[${cos.shape.join(', ')}], the shape of cos`);
  if (2 * cos.shape[1] > x.shape[2]) {
    throw errors.shape({ op: 'rope', input: 'cos', got: cos.shape, expected: `at most ${x.shape[2] / 2} columns` });
  }
  return ropeOp({ x, cos, sin }, { inverse: false, interleaved })[0];
}
