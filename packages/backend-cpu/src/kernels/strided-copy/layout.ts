// SPDX-License-Identifier: Apache-2.0
import type { NativeBackend, TensorInfo } from '../define-kernel.js';

type Words = Float32Array | Int32Array;

/** One rectangle of values, as it lies in its source and in its target; strides and offsets in elements. */
export interface CopyLayout {
  readonly sizes: readonly number[];
  readonly fromStrides: readonly number[];
  readonly toStrides: readonly number[];
  readonly fromOffset: number;
  readonly toOffset: number;
}

/** Strides of a contiguous tensor. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** An int32 or float32 tensor with undefined contents, as the given one. */
export function outputLike(
  info: TensorInfo,
  shape: readonly number[],
  backend: NativeBackend,
): { readonly info: TensorInfo; readonly values: Words } {
  return info.dtype === 'int32' ? backend.outputIntegers(shape) : backend.output(shape);
}

export function wordsOf(info: TensorInfo, backend: NativeBackend): Words {
  return info.dtype === 'int32' ? backend.integers(info) : backend.floats(info);
}

/** Copies, after joining axes that are neighbours in both layouts. */
export function copy(layout: CopyLayout, from: Words, to: Words, backend: NativeBackend): void {
  const axes: { size: number; from: number; to: number }[] = [];
  for (const [axis, size] of layout.sizes.entries()) {
    if (size === 1) continue;
    const [fromStride, toStride] = [layout.fromStrides[axis]!, layout.toStrides[axis]!];
    const before = axes.at(-1);
    if (before !== undefined && before.from === fromStride * size && before.to === toStride * size) {
      Object.assign(before, { size: before.size * size, from: fromStride, to: toStride });
    } else {
      axes.push({ size, from: fromStride, to: toStride });
    }
  }
  if (axes.length === 0) axes.push({ size: 1, from: 1, to: 1 });
  backend.kernels.stridedCopy({
    axes: axes.length,
    fromOffset: layout.fromOffset,
    toOffset: layout.toOffset,
    sizes: Int32Array.from(axes, ({ size }) => size),
    fromStrides: Int32Array.from(axes, (axis) => axis.from),
    toStrides: Int32Array.from(axes, (axis) => axis.to),
    from,
    to,
  });
}
