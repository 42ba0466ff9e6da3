// SPDX-License-Identifier: Apache-2.0
import { kernels, rope, ropeTables, tf, type RopeOptions, type Tensor, type Tensor3D, type Positions } from '@llmf/nn';
import { host, type OpCase } from '../op-case.js';

function ropeCase(name: string, size: number, heads: number, positions: Positions, options: RopeOptions): OpCase {
  const tokens = positions instanceof Int32Array ? positions.length : positions[0].length;
  return {
    name: `rope, ${name}`,
    kernels: [kernels.rope],
    inputs: { x: host('x', [tokens, heads, size]) },
    run: ({ x }) => {
      const { cos, sin } = ropeTables(positions, options);
      return [rope(x as Tensor3D, cos, sin, options.interleaved)];
    },
    naive: ({ x }) => {
      const { cos, sin } = ropeTables(positions, options);
      const turn = options.interleaved === true ? inNeighbours : inSlices;
      return [turn(x as Tensor3D, tf.expandDims(cos, 1), tf.expandDims(sin, 1))];
    },
  };
}

/** The neighbours of each pair, side by side as the halves of a head. */
function inNeighbours(x: Tensor3D, cos: Tensor, sin: Tensor): Tensor {
  const [tokens, heads, size] = x.shape;
  const half = cos.shape[2]!;
  const rotated = tf.reshape(tf.slice(x, [0, 0, 0], [tokens, heads, 2 * half]), [tokens, heads, half, 2]);
  const halves = tf.reshape(tf.transpose(rotated, [0, 1, 3, 2]), [tokens, heads, 2 * half]) as Tensor3D;
  const turned = tf.reshape(inSlices(halves, cos, sin), [tokens, heads, 2, half]);
  const pairs = tf.reshape(tf.transpose(turned, [0, 1, 3, 2]), [tokens, heads, 2 * half]);
  return tf.concat([pairs, tf.slice(x, [0, 0, 2 * half], [tokens, heads, size - 2 * half])], 2);
}

function inSlices(x: Tensor3D, cos: Tensor, sin: Tensor): Tensor {
  const [tokens, heads, size] = x.shape;
  const half = cos.shape[2]!;
  const part = (start: number, length: number) => tf.slice(x, [0, 0, start], [tokens, heads, length]);
  const [first, second] = [part(0, half), part(half, half)];
  return tf.concat(
    [
      tf.sub(tf.mul(first, cos), tf.mul(second, sin)),
      tf.add(tf.mul(second, cos), tf.mul(first, sin)),
      part(2 * half, size - 2 * half),
    ],
    2,
  );
}

export const ropeCases: readonly OpCase[] = [
  ropeCase('whole heads', 8, 2, Int32Array.of(0, 1, 2, 1, 2), { rotary: 8, theta: 10_000 }),
  ropeCase('part of each head', 10, 3, Int32Array.of(0, 5), { rotary: 4, theta: 100 }),
  ropeCase('one token, one head', 2, 1, Int32Array.of(7), { rotary: 2, theta: 10_000 }),
  ropeCase('pairs of neighbours', 8, 2, Int32Array.of(0, 1, 2, 1, 2), { rotary: 8, theta: 10_000, interleaved: true }),
  ropeCase('pairs of neighbours in part of each head', 10, 3, Int32Array.of(3, 5), {
    rotary: 6,
    theta: 100,
    interleaved: true,
  }),
  ropeCase('far positions', 8, 1, Int32Array.of(4095, 32_767), { rotary: 8, theta: 1_000_000 }),
  ropeCase('multimodal sections', 8, 2, [Int32Array.of(0, 1), Int32Array.of(0, 3), Int32Array.of(0, 9)], {
    rotary: 8,
    theta: 10_000,
    sections: [1, 2, 1],
  }),
];
