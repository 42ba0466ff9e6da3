// SPDX-License-Identifier: Apache-2.0
import type { tf } from '@llmf/nn';
import { defineKernel, type NativeBackend, type TensorInfo } from '../define-kernel.js';

interface FillAttributes {
  readonly shape: readonly number[];
  readonly value: number | string;
  readonly dtype?: tf.DataType;
}
interface LikeInputs {
  readonly x: TensorInfo;
}

const fill = defineKernel<object, FillAttributes>({
  kernelName: 'Fill',
  accepts: (_, { value, dtype }) => typeof value === 'number' && (dtype === undefined || dtype === 'float32'),
  run: (_, { shape, value }, backend) => filled(shape, value as number, backend),
});

const zerosLike = defineKernel<LikeInputs>({
  kernelName: 'ZerosLike',
  accepts: ({ x }) => x.dtype === 'float32',
  run: ({ x }, _, backend) => filled(x.shape, 0, backend),
});

const onesLike = defineKernel<LikeInputs>({
  kernelName: 'OnesLike',
  accepts: ({ x }) => x.dtype === 'float32',
  run: ({ x }, _, backend) => filled(x.shape, 1, backend),
});

export const fillKernels = [fill, zerosLike, onesLike];

function filled(shape: readonly number[], value: number, backend: NativeBackend): TensorInfo {
  const y = backend.output(shape);
  backend.kernels.fill({ count: y.values.length, value, y: y.values });
  return y.info;
}
