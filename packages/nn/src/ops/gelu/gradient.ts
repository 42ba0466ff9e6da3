// SPDX-License-Identifier: Apache-2.0
import { kernels } from '../../contracts/ops.js';
import { defineKernel } from '../define-kernel.js';
import { defineOp } from '../define-op.js';
import { geluComposite, geluGradientComposite } from './composite.js';

const geluGradient = defineKernel(kernels.geluGradient, geluGradientComposite);
const geluKernel = defineKernel(kernels.gelu, geluComposite);

export const geluOp = defineOp(geluKernel, {
  differentiable: ['x'],
  save: ({ x }) => ({ x }),
  again: (saved, attributes) => geluKernel(saved, attributes)[0],
  gradient: ({ dys: [dy], saved: { x }, attributes }) => ({ x: geluGradient({ dy: dy!, x }, attributes)[0] }),
});
