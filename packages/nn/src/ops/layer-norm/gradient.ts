// SPDX-License-Identifier: Apache-2.0
import { kernels } from '../../contracts/ops.js';
import { defineKernel } from '../define-kernel.js';
import { defineOp } from '../define-op.js';
import { layerNormComposite, layerNormGradientComposite } from './composite.js';

const layerNormGradient = defineKernel(kernels.layerNormGradient, layerNormGradientComposite);
const layerNormKernel = defineKernel(kernels.layerNorm, layerNormComposite);

export const layerNormOp = defineOp(layerNormKernel, {
  differentiable: ['x', 'weight', 'bias'],
  save: ({ x, weight, bias }) => ({ x, weight, bias }),
  again: (saved, attributes) => layerNormKernel(saved, attributes)[0],
  gradient({ dys: [dy], saved: { x, weight }, attributes: { epsilon }, wants }) {
    const wantsWeight = wants.has('weight') || wants.has('bias');
    const [dx, dWeight, dBias] = layerNormGradient({ dy: dy!, x, weight }, { epsilon, wantsWeight });
    return { x: dx, ...(wantsWeight ? { weight: dWeight, bias: dBias } : {}) };
  },
});
