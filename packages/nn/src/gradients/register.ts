// SPDX-License-Identifier: Apache-2.0
import { registerArrangement } from './arrangement.js';
import { registerBinary } from './binary.js';
import { registerElementwise } from './elementwise.js';
import { registerMatMul } from './mat-mul.js';
import { registerReductions } from './reductions.js';

/** Gradients of tfjs's standard kernels; softmax cross entropy, logSoftmax and fused ops bring their own with them. */
export function registerStandardGradients(): void {
  registerElementwise();
  registerBinary();
  registerReductions();
  registerArrangement();
  registerMatMul();
}
