// SPDX-License-Identifier: Apache-2.0
import { tf } from '@llmf/nn';
import type { TrainingWebGpuBackend } from '../backend/webgpu-backend.js';

export type TensorInfo = tf.TensorInfo;

/** A tfjs kernel that our shaders compute. */
export interface WebGpuKernel {
  readonly kernelName: string;
  /** Where it does not accept its inputs, the kernel of tfjs's backend runs. */
  register(backendName: string): void;
}

interface Definition<Inputs, Attributes> {
  readonly kernelName: string;
  /** Left out: always. */
  accepts?(inputs: Inputs, attributes: Attributes): boolean;
  run(inputs: Inputs, attributes: Attributes, backend: TrainingWebGpuBackend): TensorInfo | TensorInfo[];
}

/** The one place where typed kernels meet tfjs's untyped registry. Ops have checked their arguments already. */
export function defineKernel<Inputs, Attributes = object>(definition: Definition<Inputs, Attributes>): WebGpuKernel {
  const { kernelName } = definition;
  return {
    kernelName,
    register(backendName) {
      const inherited = tf.getKernel(kernelName, backendName)?.kernelFunc;
      if (inherited !== undefined) tf.unregisterKernel(kernelName, backendName);
      const kernelFunc: tf.KernelFunc = (call) => {
        const inputs = call.inputs as Inputs;
        const attributes = (call.attrs ?? {}) as Attributes;
        const isAccepted = definition.accepts?.(inputs, attributes) ?? true;
        if (!isAccepted && inherited !== undefined) return inherited(call);
        return definition.run(inputs, attributes, call.backend as TrainingWebGpuBackend);
      };
      tf.registerKernel({ kernelName, backendName, kernelFunc });
    },
  };
}
