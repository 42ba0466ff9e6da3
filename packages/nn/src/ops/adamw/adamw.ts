// SPDX-License-Identifier: Apache-2.0
import type { NamedAttrMap, NamedTensorMap } from '@tensorflow/tfjs-core';
import { kernels } from '../../contracts/ops.js';
import { tf } from '../../tf.js';
import { checkShape } from '../checks.js';
import { adamwComposite, type AdamWAttributes, type AdamWInputs } from './composite.js';

/**
 * One AdamW update of a parameter and its two moments, in place; the backend's kernel where it has one.
 *
 * @throws LLMF_NN_SHAPE
 */
export function adamwStep(inputs: AdamWInputs, attributes: AdamWAttributes): void {
  const { shape } = inputs.parameter;
  for (const name of ['gradient', 'm', 'v'] as const) {
    checkShape('adamw', name, inputs[name], shape, `[${shape.join(', ')}], the shape of the parameter`);
  }
  if (tf.getKernel(kernels.adamw, tf.getBackend()) === undefined) {
    adamwComposite(inputs, attributes);
    return;
  }
  const given = Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor !== undefined));
  tf.engine().runKernel(kernels.adamw, given as NamedTensorMap, attributes as unknown as NamedAttrMap);
}
