// SPDX-License-Identifier: Apache-2.0
import { kernels, layerNorm, rmsNorm, tf, type Tensor1D } from '@llmf/nn';
import { filled, host, type OpCase } from '../op-case.js';

const epsilon = 1e-5;

function rmsNormCase(
  name: string,
  shape: readonly number[],
  values = host('x', shape),
  frozen: readonly string[] = [],
): OpCase {
  return {
    name: `rmsNorm, ${name}`,
    kernels: [kernels.rmsNorm, kernels.rmsNormGradient],
    frozen,
    inputs: { x: values, weight: host('weight', [shape.at(-1)!], 0.5, 1) },
    run: ({ x, weight }) => [rmsNorm(x!, weight as Tensor1D, epsilon)],
    naive: ({ x, weight }) => {
      const meanSquare = tf.mean(tf.square(x!), -1, true);
      return [tf.mul(tf.div(x!, tf.sqrt(tf.add(meanSquare, epsilon))), weight!)];
    },
  };
}

function layerNormCase(name: string, shape: readonly number[], frozen: readonly string[] = []): OpCase {
  return {
    name: `layerNorm, ${name}`,
    kernels: [kernels.layerNorm, kernels.layerNormGradient],
    frozen,
    inputs: {
      x: host('x', shape, 1, 0.5),
      weight: host('weight', [shape.at(-1)!], 0.5, 1),
      bias: host('bias', [shape.at(-1)!]),
    },
    run: ({ x, weight, bias }) => [layerNorm(x!, weight as Tensor1D, bias as Tensor1D, epsilon)],
    naive: ({ x, weight, bias }) => {
      const centred = tf.sub(x!, tf.mean(x!, -1, true));
      const variance = tf.mean(tf.square(centred), -1, true);
      return [tf.add(tf.mul(tf.div(centred, tf.sqrt(tf.add(variance, epsilon))), weight!), bias!)];
    },
  };
}

export const normCases: readonly OpCase[] = [
  rmsNormCase('rows', [3, 6]),
  rmsNormCase('one row of one', [1, 1]),
  rmsNormCase('no rows', [0, 6]),
  rmsNormCase('heads [T, H, D]', [2, 3, 4]),
  rmsNormCase('a prime width', [5, 67]),
  rmsNormCase('large values', [2, 8], host('x', [2, 8], 1000), []),
  rmsNormCase('zeros', [2, 4], filled([2, 4], 0)),
  rmsNormCase('frozen weight', [3, 6], host('x', [3, 6]), ['weight']),
  rmsNormCase('only the weight trained', [3, 6], host('x', [3, 6]), ['x']),
].map((one) =>
  one.name.endsWith('large values') || one.name.endsWith('zeros')
    ? { ...one, skipFiniteDifferences: 'a finite step is far from a derivative here' }
    : one,
);

export const layerNormCases: readonly OpCase[] = [
  layerNormCase('rows', [3, 6]),
  layerNormCase('no rows', [0, 6]),
  layerNormCase('three axes', [2, 3, 4]),
  layerNormCase('a prime width', [5, 67]),
  layerNormCase('frozen weights', [3, 6], ['weight', 'bias']),
];
