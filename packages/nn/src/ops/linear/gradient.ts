// SPDX-License-Identifier: Apache-2.0
import { kernels } from '../../contracts/ops.js';
import { defineKernel } from '../define-kernel.js';
import { defineOp } from '../define-op.js';
import {
  linearComposite,
  linearInputGradientComposite,
  linearLowRankGradientComposite,
  linearWeightGradientComposite,
} from './composite.js';
import { sumOfRows } from '../sum-of-rows.js';

const inputGradient = defineKernel(kernels.linearInputGradient, linearInputGradientComposite);
const weightGradient = defineKernel(kernels.linearWeightGradient, linearWeightGradientComposite);
const lowRankGradient = defineKernel(kernels.linearLowRankGradient, linearLowRankGradientComposite);
const linearKernel = defineKernel(kernels.linear, linearComposite);

/** A frozen weight costs no gradient, and without a trained one beside it x is not kept either. */
export const linearOp = defineOp(linearKernel, {
  differentiable: ['x', 'weight', 'bias', 'a', 'b'],
  save({ x, weight, a, b, mask }, [, xImage], wants) {
    const wantsLowRank = wants.has('a') || wants.has('b');
    const wantsX = wants.has('x');
    return {
      ...(wants.has('weight') || wantsLowRank ? { x } : {}),
      ...(wantsX ? { weight } : {}),
      ...(wantsX || wantsLowRank ? { a, b, mask } : {}),
      ...(wantsLowRank ? { xImage } : {}),
    };
  },
  gradient({ dys: [dy], saved: { x, weight, a, b, mask, xImage }, attributes: { scale }, wants }) {
    const wantsLowRank = wants.has('a') || wants.has('b');
    const [dx, dyImage] = wants.has('x')
      ? inputGradient({ dy: dy!, weight: weight!, a, b, mask }, { scale, keeps: wantsLowRank })
      : [];
    const lowRank = wantsLowRank
      ? lowRankGradient({ dy: dy!, x: x!, a: a!, b: b!, mask, xImage, dyImage }, { scale })
      : null;
    dyImage?.dispose();
    return {
      ...(dx === undefined ? {} : { x: dx }),
      ...(wants.has('weight') ? { weight: weightGradient({ dy: dy!, x: x! }, {})[0] } : {}),
      ...(wants.has('bias') ? { bias: sumOfRows(dy!) } : {}),
      ...(lowRank === null ? {} : { a: lowRank[0], b: lowRank[1] }),
    };
  },
});
