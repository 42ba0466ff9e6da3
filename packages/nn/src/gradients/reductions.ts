// SPDX-License-Identifier: Apache-2.0
/** Derivatives of reductions, scans and softmax. */
import { tf } from '../tfjs.js';
import { defineGradient, spread } from './define-gradient.js';

interface Axis {
  readonly axis: number | readonly number[];
}
interface ReductionAxes {
  readonly reductionIndices: number | readonly number[];
}

export function registerReductions(): void {
  defineGradient<Axis>({
    kernel: 'Sum',
    inputs: ['x'],
    gradient: (dy, [x], { axis }) => ({ x: () => spread(dy, x!.shape, axis) }),
  });
  defineGradient<Axis>({
    kernel: 'Mean',
    inputs: ['x'],
    gradient: (dy, [x], { axis }) => ({ x: () => tf.div(spread(dy, x!.shape, axis), x!.size / Math.max(1, dy.size)) }),
  });
  for (const kernel of ['Max', 'Min']) {
    defineGradient<ReductionAxes>({
      kernel,
      inputs: ['x'],
      outputs: [true],
      // Equal extremes share the gradient evenly.
      gradient: (dy, [x, y], { reductionIndices: axis }) => ({
        x: () => {
          const extreme = tf.cast(tf.equal(x!, spread(y!, x!.shape, axis)), 'float32');
          const axes = tf.util.parseAxisParam(axis as number[], x!.shape);
          return tf.mul(spread(dy, x!.shape, axis), tf.div(extreme, tf.sum(extreme, axes, true)));
        },
      }),
    });
  }
  defineGradient<{ axis: number; exclusive: boolean; reverse: boolean }>({
    kernel: 'Cumsum',
    gradient: (dy, _, { axis, exclusive, reverse }) => ({ x: () => tf.cumsum(dy, axis, exclusive, !reverse) }),
  });
  defineGradient<{ dim: number }>({
    kernel: 'Softmax',
    outputs: [true],
    // dxᵢ = yᵢ (dyᵢ − Σⱼ dyⱼ yⱼ)
    gradient: (dy, [y], { dim }) => ({ logits: () => tf.mul(y!, tf.sub(dy, tf.sum(tf.mul(dy, y!), dim, true))) }),
  });
}
