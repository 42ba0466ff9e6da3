// SPDX-License-Identifier: Apache-2.0
import { tf } from '@llmf/nn';
import type { NativeBackend } from '../backend/native-backend.js';

export type TensorInfo = tf.TensorInfo;
export type { NativeBackend };

/** A tfjs kernel that is computed natively. */
export interface NativeKernel {
  readonly kernelName: string;
  /** Registers it for a backend; where it does not accept its inputs, the kernel that was registered before runs. */
  register(backendName: string): void;
}

interface Definition<Inputs, Attributes> {
  readonly kernelName: string;
  /** Left out: always. Anything tfjs allows must be refused here or handled by `run`. */
  accepts?(inputs: Inputs, attributes: Attributes, backend: NativeBackend): boolean;
  run(inputs: Inputs, attributes: Attributes, backend: NativeBackend): TensorInfo | TensorInfo[];
}

/** The one place where typed kernels meet tfjs's untyped registry. Ops have checked their arguments already. */
export function defineKernel<Inputs, Attributes = object>(definition: Definition<Inputs, Attributes>): NativeKernel {
  const { kernelName } = definition;
  return {
    kernelName,
    register(backendName) {
      const inherited = tf.getKernel(kernelName, backendName)?.kernelFunc;
      if (inherited !== undefined) tf.unregisterKernel(kernelName, backendName);
      const kernelFunc: tf.KernelFunc = (call) => {
        const inputs = call.inputs as Inputs;
        const attributes = (call.attrs ?? {}) as Attributes;
        const backend = call.backend as NativeBackend;
        const isAccepted = definition.accepts?.(inputs, attributes, backend) ?? true;
        return isAccepted || inherited === undefined ? definition.run(inputs, attributes, backend) : inherited(call);
      };
      tf.registerKernel({ kernelName, backendName, kernelFunc });
    },
  };
}
