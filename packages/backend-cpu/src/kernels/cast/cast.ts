// SPDX-License-Identifier: Apache-2.0
import type { tf } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

interface CastInputs {
  readonly x: TensorInfo;
}
interface CastAttributes {
  readonly dtype: tf.DataType;
}

/** To float32, really: the JS kernel gives the tensor another dtype over the same Int32Array or Uint8Array. */
export const castKernel = defineKernel<CastInputs, CastAttributes>({
  kernelName: 'Cast',
  accepts: ({ x }, { dtype }) => dtype === 'float32' && (x.dtype === 'int32' || x.dtype === 'bool'),
  run({ x }, _, backend) {
    const y = backend.output(x.shape);
    const values = backend.data.get(x.dataId).values;
    if (values instanceof Int32Array) backend.kernels.castIntegers({ count: values.length, x: values, y: y.values });
    else if (values instanceof Uint8Array) backend.kernels.castBytes({ count: values.length, x: values, y: y.values });
    else y.values.set(backend.floats(x));
    return y.info;
  },
});
