// SPDX-License-Identifier: Apache-2.0
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { kernels } from '../../contracts/ops.js';
import { tf } from '../../tf.js';
import { checkShape } from '../checks.js';
import { defineKernel } from '../define-kernel.js';
import { adamwComposite, type AdamWAttributes, type AdamWParameter } from './composite.js';

/** parameter0, gradient0, m0, v0, parameter1, …, and scale where there is one. */
type AdamWInputs = Readonly<Record<string, Tensor>>;
interface AllAttributes extends AdamWAttributes {
  readonly weightDecays: readonly number[];
}

/** In place. */
const adamwKernel = defineKernel<AdamWInputs, AllAttributes, readonly []>(
  kernels.adamw,
  (inputs, { weightDecays, ...attributes }) => {
    for (const [index, weightDecay] of weightDecays.entries()) {
      const of = (part: keyof AdamWNames) => inputs[namesOf(index)[part]]!;
      const parameter = { parameter: of('parameter') as Variable, gradient: of('gradient'), weightDecay };
      const moments = { m: of('m') as Variable, v: of('v') as Variable };
      adamwComposite({ ...parameter, ...moments }, attributes, inputs['scale'] as Scalar | undefined);
    }
    return [];
  },
);

/**
 * One AdamW update of all parameters and their moments, in place; the backend's kernel where it has one.
 *
 * @param scale factor of every gradient (clipping)
 * @throws LLMF_NN_SHAPE
 */
export function adamwStep(
  parameters: readonly AdamWParameter[],
  attributes: AdamWAttributes,
  scale?: Scalar | undefined,
): void {
  for (const parameter of parameters) checkShapes(parameter);
  const inputs: Record<string, Tensor> = scale === undefined ? {} : { scale };
  for (const [index, { parameter, gradient, m, v }] of parameters.entries()) {
    const names = namesOf(index);
    inputs[names.parameter] = parameter;
    inputs[names.gradient] = gradient;
    inputs[names.m] = m;
    inputs[names.v] = v;
  }
  adamwKernel(inputs, { ...attributes, weightDecays: parameters.map(({ weightDecay }) => weightDecay) });
}

interface AdamWNames {
  readonly parameter: string;
  readonly gradient: string;
  readonly m: string;
  readonly v: string;
}

/** Made once: there are four for each parameter in each step. */
const known: AdamWNames[] = [];
const namesOf = (index: number): AdamWNames =>
  (known[index] ??= { parameter: `parameter${index}`, gradient: `gradient${index}`, m: `m${index}`, v: `v${index}` });

function checkShapes({ parameter: { shape }, gradient, m, v }: AdamWParameter): void {
  if ([gradient, m, v].every((tensor) => tf.util.arraysEqual(tensor.shape, shape))) return;
  const expected = `[${shape.join(', ')}], the shape of the parameter`;
  checkShape('adamw', 'gradient', gradient, shape, expected);
  checkShape('adamw', 'm', m, shape, expected);
  checkShape('adamw', 'v', v, shape, expected);
}
