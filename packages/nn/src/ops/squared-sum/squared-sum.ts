// SPDX-License-Identifier: Apache-2.0
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { kernels } from '../../contracts/ops.js';
import { tf } from '../../tf.js';
import { defineKernel } from '../define-kernel.js';

const squaredSumKernel = defineKernel<{ readonly x: Tensor }, Record<string, never>, readonly [Scalar]>(
  kernels.squaredSum,
  ({ x }) => [tf.sum(tf.square(x)) as Scalar],
);

/** Σ x² of any shape, without the squares as a tensor where the backend can. Of gradients: it has none of its own. */
export const squaredSum = (x: Tensor): Scalar => squaredSumKernel({ x }, {})[0];
