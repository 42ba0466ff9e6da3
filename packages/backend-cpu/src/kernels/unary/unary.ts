// SPDX-License-Identifier: Apache-2.0
import { defineKernel, type NativeBackend, type NativeKernel, type TensorInfo } from '../define-kernel.js';

/** Numbers as in unary.cc. */
const operations = {
  Neg: 0,
  Abs: 1,
  Exp: 2,
  Sqrt: 3,
  Rsqrt: 4,
  Square: 5,
  Sigmoid: 6,
  Tanh: 7,
  Relu: 8,
  Reciprocal: 9,
  Erf: 10,
  Log: 11,
} as const;

interface UnaryInputs {
  readonly x: TensorInfo;
}

export const unaryKernels: readonly NativeKernel[] = Object.entries(operations).map(([kernelName, operation]) =>
  defineKernel<UnaryInputs>({
    kernelName,
    accepts: ({ x }, _, backend) => backend.isFloats(x),
    run: ({ x }, _, backend) => unary(operation, x, backend),
  }),
);

function unary(operation: number, x: TensorInfo, backend: NativeBackend): TensorInfo {
  const y = backend.output(x.shape);
  backend.kernels.unary({ operation, count: y.values.length, x: backend.floats(x), y: y.values });
  return y.info;
}
