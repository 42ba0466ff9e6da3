// SPDX-License-Identifier: Apache-2.0
import { kernels, squaredSum, tf } from '@llmf/nn';
import { host, type OpCase } from '../op-case.js';

const squaredSumCase = (shape: readonly number[]): OpCase => ({
  name: `squaredSum [${shape.join(', ')}]`,
  kernels: [kernels.squaredSum],
  frozen: ['x'],
  inputs: { x: host('x', shape) },
  run: ({ x }) => [squaredSum(x!)],
  naive: ({ x }) => [tf.sum(tf.square(x!))],
});

export const reductionCases: readonly OpCase[] = [[3, 5], [0, 4], [], [131], [41, 67]].map(squaredSumCase);
