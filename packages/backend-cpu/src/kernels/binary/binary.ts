// SPDX-License-Identifier: Apache-2.0
import { defineKernel, type NativeBackend, type NativeKernel, type TensorInfo } from '../define-kernel.js';
import { broadcast } from './broadcast.js';

/** Numbers as in binary.cc. */
const operations = {
  Add: 0,
  Sub: 1,
  Multiply: 2,
  RealDiv: 3,
  Maximum: 4,
  Minimum: 5,
  SquaredDifference: 6,
} as const;

interface BinaryInputs {
  readonly a: TensorInfo;
  readonly b: TensorInfo;
}

const elementwise = Object.entries(operations).map(([kernelName, operation]) =>
  defineKernel<BinaryInputs>({
    kernelName,
    accepts: ({ a, b }, _, backend) =>
      backend.isFloats(a) && backend.isFloats(b) && broadcast(a.shape, b.shape) !== null,
    run: ({ a, b }, _, backend) => binary(operation, a, b, backend),
  }),
);

/** Sums tensors of one shape, in order. */
const addN = defineKernel<readonly TensorInfo[]>({
  kernelName: 'AddN',
  accepts: (tensors, _, backend) => tensors.length > 1 && tensors.every((tensor) => backend.isFloats(tensor)),
  run([first, second, ...rest], _, backend) {
    const sum = binary(operations.Add, first!, second!, backend);
    const values = backend.floats(sum);
    for (const tensor of rest) {
      backend.kernels.accumulate({ count: values.length, accumulator: values, value: backend.floats(tensor) });
    }
    return sum;
  },
});

export const binaryKernels: readonly NativeKernel[] = [...elementwise, addN];

export function binary(operation: number, a: TensorInfo, b: TensorInfo, backend: NativeBackend): TensorInfo {
  const { shape, sizes, aStrides, bStrides } = broadcast(a.shape, b.shape)!;
  const y = backend.output(shape);
  backend.kernels.binary({
    operation,
    axes: sizes.length,
    sizes,
    aStrides,
    bStrides,
    a: backend.floats(a),
    b: backend.floats(b),
    y: y.values,
  });
  return y.info;
}
