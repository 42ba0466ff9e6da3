// SPDX-License-Identifier: Apache-2.0
import type { NamedAttrMap, NamedTensorMap, Scalar } from '@tensorflow/tfjs-core';
import { kernels } from '../../contracts/ops.js';
import { tf } from '../../tf.js';
import { checkShape } from '../checks.js';
import { adamwComposite, type AdamWAttributes, type AdamWParameter } from './composite.js';

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
  if (tf.getKernel(kernels.adamw, tf.getBackend()) === undefined) {
    for (const parameter of parameters) adamwComposite(parameter, attributes, scale);
    return;
  }
  const inputs: NamedTensorMap = scale === undefined ? {} : { scale };
  for (const [index, { parameter, gradient, m, v }] of parameters.entries()) {
    inputs[`parameter${index}`] = parameter;
    inputs[`gradient${index}`] = gradient;
    inputs[`m${index}`] = m;
    inputs[`v${index}`] = v;
  }
  const weightDecays = parameters.map(({ weightDecay }) => weightDecay);
  tf.engine().runKernel(kernels.adamw, inputs, { ...attributes, weightDecays } as unknown as NamedAttrMap);
}

function checkShapes({ parameter: { shape }, gradient, m, v }: AdamWParameter): void {
  const expected = `[${shape.join(', ')}], the shape of the parameter`;
  checkShape('adamw', 'gradient', gradient, shape, expected);
  checkShape('adamw', 'm', m, shape, expected);
  checkShape('adamw', 'v', v, shape, expected);
}
