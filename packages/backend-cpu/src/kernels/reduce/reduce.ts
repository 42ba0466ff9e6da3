// SPDX-License-Identifier: Apache-2.0
import { tf } from '@llmf/nn';
import { defineKernel, type NativeBackend, type NativeKernel, type TensorInfo } from '../define-kernel.js';
import { transpose } from '../strided-copy/transpose.js';

/** Numbers as in reduce.cc. */
const operations = { Sum: 0, Mean: 0, Max: 1, Min: 2 } as const;

interface ReduceInputs {
  readonly x: TensorInfo;
}
interface ReduceAttributes {
  /** tfjs's name for it in every kernel but Max. */
  readonly axis?: number | number[];
  readonly reductionIndices?: number | number[];
  readonly keepDims: boolean;
}

export const reduceKernels: readonly NativeKernel[] = Object.entries(operations).map(([kernelName, operation]) =>
  defineKernel<ReduceInputs, ReduceAttributes>({
    kernelName,
    accepts: ({ x }, _, backend) => backend.isFloats(x),
    run: ({ x }, attributes, backend) => reduce(operation, kernelName === 'Mean', x, attributes, backend),
  }),
);

function reduce(
  operation: number,
  isMean: boolean,
  x: TensorInfo,
  { axis, reductionIndices = axis!, keepDims }: ReduceAttributes,
  backend: NativeBackend,
): TensorInfo {
  const axes = tf.util.parseAxisParam(reductionIndices, x.shape).toSorted((a, b) => a - b);
  const [outShape, reducedShape] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes);
  const shape = keepDims ? tf.backend_util.expandShapeToKeepDim(outShape, axes) : outShape;
  const length = tf.util.sizeFromShape(reducedShape);
  const scale = isMean && length > 0 ? 1 / length : 1; // the mean of nothing is 0, as on the JS backend
  const y = backend.output(shape);
  const neighbours = axes.length === 0 || axes.at(-1)! - axes[0]! === axes.length - 1;
  if (neighbours) {
    const inner = axes.length === 0 ? 1 : tf.util.sizeFromShape(x.shape.slice(axes.at(-1)! + 1));
    const outer = axes.length === 0 ? y.values.length : tf.util.sizeFromShape(x.shape.slice(0, axes[0]));
    backend.kernels.reduce({ operation, outer, length, inner, scale, x: backend.floats(x), y: y.values });
  } else {
    const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
    const moved = transpose(x, [...kept, ...axes], backend);
    const outer = y.values.length;
    backend.kernels.reduce({ operation, outer, length, inner: 1, scale, x: backend.floats(moved), y: y.values });
    backend.disposeData(moved.dataId);
  }
  return y.info;
}
