// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { kernels } from '../../contracts/ops.js';
import { defineKernel } from '../define-kernel.js';
import { defineOp } from '../define-op.js';
import {
  groupedInputGradientComposite,
  groupedLinearComposite,
  groupedLowRankGradientComposite,
  groupedWeightGradientComposite,
  type GroupedInputs,
} from './composite.js';

const inputGradient = defineKernel(kernels.groupedLinearInputGradient, groupedInputGradientComposite);
const weightGradient = defineKernel(kernels.groupedLinearWeightGradient, groupedWeightGradientComposite);
const lowRankGradient = defineKernel(kernels.groupedLinearLowRankGradient, groupedLowRankGradientComposite);

const isFactor = (name: string): boolean => /^[ab]\d/.test(name);
const isWeight = (name: string): boolean => name.startsWith('weight');

/** Those inputs that a rule names. */
const only = (inputs: GroupedInputs, rule: (name: string) => boolean): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(inputs).filter(([name]) => rule(name)));

/** As `linear`: a frozen weight costs no gradient, and without a trained one beside it x is not kept either. */
export const groupedLinearOp = defineOp(defineKernel(kernels.groupedLinear, groupedLinearComposite), {
  differentiable: (inputs) => Object.keys(inputs).filter((name) => name !== 'starts'),
  save(inputs, [, xImage], wants): Record<string, Tensor | undefined> {
    const [wantsX, wantsLowRank] = [wants.has('x'), [...wants].some(isFactor)];
    return {
      starts: inputs['starts'],
      ...([...wants].some((name) => name !== 'x') ? { x: inputs['x'] } : {}),
      ...(wantsX ? only(inputs, isWeight) : {}),
      ...(wantsX || wantsLowRank ? only(inputs, isFactor) : {}),
      ...(wantsLowRank ? { xImage } : {}),
    };
  },
  gradient({ dys: [dy], saved, attributes, wants }) {
    const { x, starts, xImage, ...layers } = saved as GroupedInputs;
    const factors = only(layers, isFactor);
    const wantsLowRank = [...wants].some(isFactor);
    const given = { dy: dy!, starts: starts! };
    const [dx, dyImage] = wants.has('x')
      ? inputGradient({ ...given, ...layers }, { ...attributes, keeps: wantsLowRank })
      : [];
    const gradients: Record<string, Tensor2D> = dx === undefined ? {} : { x: dx };
    if (wantsLowRank) {
      const images = { ...(xImage && { xImage }), ...(dyImage && { dyImage }) };
      const pairs = lowRankGradient({ ...given, x: x!, ...factors, ...images }, attributes);
      const groups = Object.keys(factors).flatMap((name) => (name.startsWith('a') ? [Number(name.slice(1))] : []));
      for (const [at, group] of groups.toSorted((one, other) => one - other).entries()) {
        gradients[`a${group}`] = pairs[2 * at]!;
        gradients[`b${group}`] = pairs[2 * at + 1]!;
      }
    }
    dyImage?.dispose();
    if ([...wants].some(isWeight)) {
      const dWeights = weightGradient({ ...given, x: x! }, attributes);
      for (const [group, dWeight] of dWeights.entries()) gradients[`weight${group}`] = dWeight;
    }
    return gradients;
  },
});
