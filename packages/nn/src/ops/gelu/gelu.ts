// SPDX-License-Identifier: Apache-2.0
import type { Tensor } from '@tensorflow/tfjs-core';
import type { GeluForm } from './composite.js';
import { geluOp } from './gradient.js';

/**
 * Hendrycks & Gimpel, "Gaussian error linear units", 2016: x Φ(x), or one of the two approximations of section 2.
 * Any shape.
 *
 * @param form `exact` (checkpoints: gelu), `tanh` (gelu_new, gelu_pytorch_tanh), `quick` (quick_gelu)
 */
export const gelu = <X extends Tensor>(x: X, form: GeluForm = 'exact'): X => geluOp({ x }, { form })[0] as X;
