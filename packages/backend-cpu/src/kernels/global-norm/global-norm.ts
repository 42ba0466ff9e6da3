// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

/** Number as in reduce.cc. */
export const sumOfSquares = 3;

interface Attributes {
  readonly maximum: number | null;
}

export const globalNormKernel = defineKernel<Readonly<Record<string, TensorInfo>>, Attributes>({
  kernelName: kernels.globalNorm,
  run(tensors, { maximum }, backend) {
    const square = new Float32Array(1);
    let sum = 0;
    for (const tensor of Object.values(tensors)) {
      const values = backend.floats(tensor);
      backend.kernels.reduce({
        operation: sumOfSquares,
        outer: 1,
        length: values.length,
        inner: 1,
        scale: 1,
        x: values,
        y: square,
      });
      sum += square[0]!;
    }
    const norm = backend.output([]);
    norm.values[0] = Math.sqrt(sum);
    if (maximum === null) return [norm.info];
    const scale = backend.output([]);
    scale.values[0] = Math.min(1, maximum / (norm.values[0]! + 1e-6));
    return [norm.info, scale.info];
  },
});
