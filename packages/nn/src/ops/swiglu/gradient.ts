// SPDX-License-Identifier: Apache-2.0
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { kernels } from '../../contracts/ops.js';
import { defineKernel } from '../define-kernel.js';
import { defineOp } from '../define-op.js';
import { swigluComposite, swigluGradientComposite, type Gated, type SwigluAttributes } from './composite.js';

const swigluGradient = defineKernel<Gated & { readonly dy: Tensor2D }, object, readonly [Tensor2D, Tensor2D]>(
  kernels.swigluGradient,
  swigluGradientComposite,
);

const swigluKernel = defineKernel<Gated, SwigluAttributes, readonly Tensor2D[]>(kernels.swiglu, swigluComposite);

export const swigluOp = defineOp(swigluKernel, {
  differentiable: ['gate', 'up'],
  save: ({ gate, up }, [, kept]): Gated => (kept === undefined ? { gate: gate!, up: up! } : { kept }),
  again: (gated) => swigluKernel(gated, { keeps: false })[0]!,
  gradient({ dys: [dy], saved }) {
    const [gate, up] = swigluGradient({ dy: dy!, ...saved }, {});
    return { gate, up };
  },
});
