// SPDX-License-Identifier: Apache-2.0
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { kernels } from '../../contracts/ops.js';
import { defineKernel } from '../define-kernel.js';
import { defineOp } from '../define-op.js';
import { combineExpertsComposite, combineExpertsGradientComposite, type CombinedInputs } from './composite.js';

const combineExpertsGradient = defineKernel(kernels.combineExpertsGradient, combineExpertsGradientComposite);

const combineExpertsKernel = defineKernel<CombinedInputs, object, readonly [Tensor2D]>(
  kernels.combineExperts,
  combineExpertsComposite,
);

export const combineExpertsOp = defineOp(combineExpertsKernel, {
  differentiable: ['rows', 'weights'],
  save: ({ rows, weights, places }) => ({ rows, weights, places }),
  gradient({ dys: [dy], saved: { rows, weights, places } }) {
    const [dRows, dWeights] = combineExpertsGradient({ dy: dy!, rows, weights, places }, {});
    return { rows: dRows, weights: dWeights };
  },
});
