// SPDX-License-Identifier: Apache-2.0
import { tf } from '@llmf/nn';
import { defineKernel, type NativeBackend, type TensorInfo } from '../define-kernel.js';

interface SoftmaxInputs {
  readonly logits: TensorInfo;
}
interface LastAxis {
  /** The op has checked that it is the last one. */
  readonly dim: number;
}
interface LogSoftmaxAttributes {
  readonly axis: number;
}

const softmax = defineKernel<SoftmaxInputs, LastAxis>({
  kernelName: 'Softmax',
  accepts: ({ logits }, { dim }, backend) => backend.isFloats(logits) && isLast(dim, logits.shape),
  run: ({ logits }, _, backend) => overRows(logits, false, backend),
});

const logSoftmax = defineKernel<SoftmaxInputs, LogSoftmaxAttributes>({
  kernelName: 'LogSoftmax',
  accepts: ({ logits }, { axis }, backend) => backend.isFloats(logits) && isLast(axis, logits.shape),
  run: ({ logits }, _, backend) => overRows(logits, true, backend),
});

export const softmaxKernels = [softmax, logSoftmax];

const isLast = (axis: number, shape: readonly number[]) =>
  shape.length > 0 && tf.util.parseAxisParam(axis, [...shape])[0] === shape.length - 1;

function overRows(logits: TensorInfo, logarithm: boolean, backend: NativeBackend): TensorInfo {
  const y = backend.output(logits.shape);
  const columns = logits.shape.at(-1)!;
  const rows = columns === 0 ? 0 : y.values.length / columns;
  backend.kernels.softmax({ rows, columns, logarithm, x: backend.floats(logits), y: y.values });
  return y.info;
}
