// SPDX-License-Identifier: Apache-2.0
import { globalNorm, kernels, tf } from '@llmf/nn';
import { host, type OpCase } from '../op-case.js';

const globalNormCase = (shapes: readonly (readonly number[])[], maximum: number | null): OpCase => ({
  name: `globalNorm of ${shapes.map((shape) => `[${shape.join(', ')}]`).join(', ')}, maximum ${maximum}`,
  kernels: [kernels.globalNorm],
  frozen: shapes.map((_, i) => `x${i}`),
  inputs: Object.fromEntries(shapes.map((shape, i) => [`x${i}`, host(`x${i}`, shape)])),
  run(inputs) {
    const { norm, scale } = globalNorm(Object.values(inputs), maximum);
    return scale === null ? [norm] : [norm, scale];
  },
  naive(inputs) {
    const together = tf.concat(Object.values(inputs).map((x) => tf.reshape(x, [-1])));
    const norm = tf.norm(together);
    return maximum === null ? [norm] : [norm, tf.minimum(1, tf.div(maximum, tf.add(norm, 1e-6)))];
  },
});

export const reductionCases: readonly OpCase[] = [
  globalNormCase([[3, 5]], null),
  globalNormCase([[0, 4], [7]], 1),
  globalNormCase([[], [131], [41, 67]], 10),
  globalNormCase([[2, 2], [3]], 1000),
];
