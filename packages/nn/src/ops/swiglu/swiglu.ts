// SPDX-License-Identifier: Apache-2.0
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { checkShape } from '../checks.js';
import { swigluOp } from './gradient.js';

/**
 * Shazeer, "GLU variants improve transformer", 2020, equation 5 without biases: silu(gate) ∘ up.
 * gate and up [T, F] → [T, F].
 *
 * @throws LLMF_NN_SHAPE
 */
export function swiglu(gate: Tensor2D, up: Tensor2D): Tensor2D {
  checkShape('swiglu', 'gate', gate, [null, null], '[rows, features]');
  checkShape('swiglu', 'up', up, gate.shape, `[${gate.shape.join(', ')}], the shape of gate`);
  const [y, kept] = swigluOp({ gate, up }, { keeps: tf.engine().isTapeOn() });
  kept?.dispose();
  return y!;
}
