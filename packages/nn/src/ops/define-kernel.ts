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
  const backends = new Set<string>(); // those that are known to have it
  const kernel = (inputs: Inputs, attributes: Attributes): Outputs => {
    const backend = tf.getBackend();
    if (!backends.has(backend)) {
      if (tf.getKernel(name, backend) === undefined) {
        tf.registerKernel({ kernelName: name, backendName: backend, kernelFunc });
      }
      backends.add(backend);
    }
    const outputs = tf
      .engine()
      .runKernel<Tensor | Tensor[]>(name, present(inputs), attributes as unknown as NamedAttrMap);
    return (Array.isArray(outputs) ? outputs : [outputs]) as unknown as Outputs;
  };
  return Object.assign(kernel, { kernelName: name });
}

/** tfjs takes no undefined inputs. */
function present(inputs: object): NamedTensorMap {
  const given: NamedTensorMap = {};
  for (const [name, tensor] of Object.entries(inputs)) if (tensor !== undefined) given[name] = tensor as Tensor;
  return given;
}
