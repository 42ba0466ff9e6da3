// SPDX-License-Identifier: Apache-2.0
import { tf } from '@llmf/nn';
import { defineKernel, type NativeBackend, type TensorInfo } from '../define-kernel.js';
import { copy, outputLike, stridesOf, wordsOf } from './layout.js';

interface SliceInputs {
  readonly x: TensorInfo;
}
interface SliceAttributes {
  readonly begin: number | number[];
  readonly size: number | number[];
}
interface SplitAttributes {
  readonly numOrSizeSplits: number | number[];
  readonly axis: number;
}

/** Contiguous slices stay with the JS kernel, which shares the buffer instead of copying. */
const slice = defineKernel<SliceInputs, SliceAttributes>({
  kernelName: 'Slice',
  accepts({ x }, { begin, size }, backend) {
    if (!backend.isWords(x) || x.shape.length === 0) return false;
    const [start, lengths] = sliceOf(x, begin, size);
    return !tf.slice_util.isSliceContinous(x.shape, start, lengths);
  },
  run({ x }, { begin, size }, backend) {
    const [start, lengths] = sliceOf(x, begin, size);
    tf.slice_util.assertParamsValid(x as tf.Tensor, start, lengths);
    return part(x, start, lengths, backend);
  },
});

const splitV = defineKernel<SliceInputs, SplitAttributes>({
  kernelName: 'SplitV',
  accepts: ({ x }, _, backend) => backend.isWords(x),
  run({ x }, { numOrSizeSplits, axis }, backend) {
    const along = tf.util.parseAxisParam(axis, x.shape)[0]!;
    const lengths = tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, along);
    let first = 0;
    return lengths.map((length) => {
      const begin = x.shape.map((_, i) => (i === along ? first : 0));
      first += length;
      return part(
        x,
        begin,
        x.shape.map((size, i) => (i === along ? length : size)),
        backend,
      );
    });
  },
});

export const sliceKernels = [slice, splitV];

function sliceOf(x: TensorInfo, begin: number | number[], size: number | number[]): [number[], number[]] {
  return tf.slice_util.parseSliceParams(x as tf.Tensor, begin, size) as [number[], number[]];
}

function part(x: TensorInfo, begin: readonly number[], sizes: readonly number[], backend: NativeBackend): TensorInfo {
  const fromStrides = stridesOf(x.shape);
  const fromOffset = begin.reduce((sum, start, axis) => sum + start * fromStrides[axis]!, 0);
  const y = outputLike(x, sizes, backend);
  const layout = { sizes, fromStrides, toStrides: stridesOf(sizes), fromOffset, toOffset: 0 };
  copy(layout, wordsOf(x, backend), y.values, backend);
  return y.info;
}
