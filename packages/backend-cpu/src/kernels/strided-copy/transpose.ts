// SPDX-License-Identifier: Apache-2.0
import { defineKernel, type NativeBackend, type TensorInfo } from '../define-kernel.js';
import { copy, outputLike, stridesOf, wordsOf } from './layout.js';

interface TransposeInputs {
  readonly x: TensorInfo;
}
interface TransposeAttributes {
  readonly perm: readonly number[];
}

export const transposeKernel = defineKernel<TransposeInputs, TransposeAttributes>({
  kernelName: 'Transpose',
  accepts: ({ x }, _, backend) => backend.isWords(x),
  run: ({ x }, { perm }, backend) => transpose(x, perm, backend),
});

/** Axis i of the result is axis permutation[i] of x. */
export function transpose(x: TensorInfo, permutation: readonly number[], backend: NativeBackend): TensorInfo {
  const strides = stridesOf(x.shape);
  const shape = permutation.map((axis) => x.shape[axis]!);
  const y = outputLike(x, shape, backend);
  const fromStrides = permutation.map((axis) => strides[axis]!);
  const layout = { sizes: shape, fromStrides, toStrides: stridesOf(shape), fromOffset: 0, toOffset: 0 };
  copy(layout, wordsOf(x, backend), y.values, backend);
  return y.info;
}
