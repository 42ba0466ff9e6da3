// SPDX-License-Identifier: Apache-2.0
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { kernels } from '../../contracts/ops.js';
import { defineKernel } from '../define-kernel.js';
import { defineOp } from '../define-op.js';
import { swigluComposite, swigluGradientComposite, type SwigluInputs } from './composite.js';

const swigluGradient = defineKernel(kernels.swigluGradient, swigluGradientComposite);

const swigluKernel = defineKernel<SwigluInputs, Record<string, never>, readonly [Tensor2D]>(
  kernels.swiglu,
  swigluComposite,
);

export const swigluOp = defineOp(swigluKernel, {
  differentiable: ['gate', 'up'],
  save: ({ gate, up }) => ({ gate, up }),
  again: ({ gate, up }) => swigluKernel({ gate, up }, {})[0],
  gradient({ dys: [dy], saved: { gate, up } }) {
    const [dGate, dUp] = swigluGradient({ dy: dy!, gate, up }, {});
    return { gate: dGate, up: dUp };
  },
});
