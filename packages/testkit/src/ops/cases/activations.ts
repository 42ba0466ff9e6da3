// SPDX-License-Identifier: Apache-2.0
import { gelu, kernels, swiglu, tf, type GeluForm, type Tensor, type Tensor2D } from '@llmf/nn';
import { host, type OpCase } from '../op-case.js';

function swigluCase(name: string, shape: readonly number[], scale = 1): OpCase {
  return {
    name: `swiglu, ${name}`,
    kernels: [kernels.swiglu, kernels.swigluGradient],
    inputs: { gate: host('gate', shape, scale), up: host('up', shape) },
    run: ({ gate, up }) => [swiglu(gate as Tensor2D, up as Tensor2D)],
    naive: ({ gate, up }) => [tf.mul(tf.div(gate!, tf.add(1, tf.exp(tf.neg(gate!)))), up!)],
  };
}

const naiveGelu: Record<GeluForm, (x: Tensor) => Tensor> = {
  exact: (x) => tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.div(x, Math.SQRT2)))),
  tanh: (x) => {
    const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.pow(x, 3))));
    return tf.mul(tf.mul(x, 0.5), tf.add(1, tf.tanh(inner)));
  },
  quick: (x) => tf.div(x, tf.add(1, tf.exp(tf.mul(x, -1.702)))),
};

function geluCase(form: GeluForm, shape: readonly number[]): OpCase {
  return {
    name: `gelu, ${form} [${shape.join(', ')}]`,
    kernels: [kernels.gelu, kernels.geluGradient],
    inputs: { x: host('x', shape, 2) },
    run: ({ x }) => [gelu(x!, form)],
    naive: ({ x }) => [naiveGelu[form](x!)],
  };
}

export const activationCases: readonly OpCase[] = [
  swigluCase('small', [3, 5]),
  swigluCase('saturated gates', [4, 7], 20),
  swigluCase('no rows', [0, 5]),
  swigluCase('beyond one vector', [5, 131]),
  ...(['exact', 'tanh', 'quick'] as const).flatMap((form) => [geluCase(form, [3, 5]), geluCase(form, [0, 4])]),
];
