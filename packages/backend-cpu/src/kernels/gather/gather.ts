// SPDX-License-Identifier: Apache-2.0
import { tf } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { outputLike, wordsOf } from '../strided-copy/layout.js';

interface GatherInputs {
  readonly x: TensorInfo;
  readonly indices: TensorInfo;
}
interface GatherAttributes {
  readonly axis: number;
  readonly batchDims: number;
}
interface SegmentSumInputs {
  readonly x: TensorInfo;
  readonly segmentIds: TensorInfo;
}
interface SegmentSumAttributes {
  readonly numSegments: number;
}

/** Rows of a table; other axes stay with the JS kernel, and so do its messages for indices out of range. */
const gather = defineKernel<GatherInputs, GatherAttributes>({
  kernelName: 'GatherV2',
  accepts({ x, indices }, { axis, batchDims }, backend) {
    const isPlain =
      axis === 0 && batchDims === 0 && x.shape.length > 0 && backend.isWords(x) && backend.isWords(indices);
    return isPlain && backend.integers(indices).every((index) => index >= 0 && index < x.shape[0]!);
  },
  run({ x, indices }, _, backend) {
    const rest = x.shape.slice(1);
    const y = outputLike(x, [...indices.shape, ...rest], backend);
    const count = tf.util.sizeFromShape(indices.shape);
    const columns = tf.util.sizeFromShape(rest);
    backend.kernels.gather({
      count,
      rows: x.shape[0]!,
      columns,
      ids: backend.integers(indices),
      table: wordsOf(x, backend),
      y: y.values,
    });
    return y.info;
  },
});

const unsortedSegmentSum = defineKernel<SegmentSumInputs, SegmentSumAttributes>({
  kernelName: 'UnsortedSegmentSum',
  accepts: ({ x, segmentIds }, _, backend) =>
    backend.isFloats(x) && segmentIds.shape.length === 1 && x.shape[0] === segmentIds.shape[0],
  run({ x, segmentIds }, { numSegments }, backend) {
    const rest = x.shape.slice(1);
    const y = backend.output([numSegments, ...rest]);
    const columns = tf.util.sizeFromShape(rest);
    const ids = backend.integers(segmentIds);
    backend.kernels.embeddingGradient({
      tokens: ids.length,
      vocabulary: numSegments,
      columns,
      dy: backend.floats(x),
      ids,
      dTable: y.values,
    });
    return y.info;
  },
});

export const gatherKernels = [gather, unsortedSegmentSum];
