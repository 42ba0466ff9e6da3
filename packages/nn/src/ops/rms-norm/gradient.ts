// SPDX-License-Identifier: Apache-2.0
import { kernels } from '../../contracts/ops.js';
import { defineKernel } from '../define-kernel.js';
import { defineOp } from '../define-op.js';
import { rmsNormComposite, rmsNormGradientComposite } from './composite.js';

const rmsNormGradient = defineKernel(kernels.rmsNormGradient, rmsNormGradientComposite);
const rmsNormKernel = defineKernel(kernels.rmsNorm, rmsNormComposite);

export const rmsNormOp = defineOp(rmsNormKernel, {
  differentiable: ['x', 'weight'],
  save: ({ x, weight }) => ({ x, weight }),
  again: (saved, attributes) => rmsNormKernel(saved, attributes)[0],
  gradient({ dys: [dy], saved: { x, weight }, attributes: { epsilon }, wants }) {
    const wantsWeight = wants.has('weight');
    const [dx, dWeight] = rmsNormGradient({ dy: dy!, x, weight }, { epsilon, wantsWeight });
    return { x: dx, ...(wantsWeight ? { weight: dWeight } : {}) };
  },
});
