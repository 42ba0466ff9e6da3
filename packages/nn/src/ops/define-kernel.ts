// SPDX-License-Identifier: Apache-2.0
import type { KernelFunc, NamedAttrMap, NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import { tf } from '../tf.js';

/** A kernel by name on whatever backend is current: the backend's own, or else the composite. Records no gradient. */
export interface Kernel<Inputs, Attributes, Outputs extends readonly Tensor[]> {
  (inputs: Inputs, attributes: Attributes): Outputs;
  readonly kernelName: string;
}

/**
 * @param name as in `contracts/ops.ts`
 * @param composite the kernel in tfjs ops; must allocate its outputs, never return an input
 */
export function defineKernel<Inputs extends object, Attributes extends object, Outputs extends readonly Tensor[]>(
  name: string,
  composite: (inputs: Inputs, attributes: Attributes) => Outputs,
): Kernel<Inputs, Attributes, Outputs> {
  // The one place where a typed kernel meets tfjs's untyped registry.
  const kernelFunc = (({ inputs, attrs }) =>
    tf.tidy(() => composite(inputs as Inputs, attrs as unknown as Attributes) as Outputs & Tensor[])) as KernelFunc;
  const kernel = (inputs: Inputs, attributes: Attributes): Outputs => {
    const backend = tf.getBackend();
    if (tf.getKernel(name, backend) === undefined) {
      tf.registerKernel({ kernelName: name, backendName: backend, kernelFunc });
    }
    const given = Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor !== undefined));
    const outputs = tf
      .engine()
      .runKernel<Tensor | Tensor[]>(name, given as NamedTensorMap, attributes as unknown as NamedAttrMap);
    return (Array.isArray(outputs) ? outputs : [outputs]) as unknown as Outputs;
  };
  return Object.assign(kernel, { kernelName: name });
}
