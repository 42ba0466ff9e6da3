// SPDX-License-Identifier: Apache-2.0
import '@tensorflow/tfjs-backend-wasm';
import { normals } from '@llmf/core';
import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { grads } from '../autograd/grads.js';
import { tf } from '../tf.js';

interface Row {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly f: (...inputs: never[]) => Tensor;
  /** Maps a normal number into the function's domain, away from kinks. */
  readonly domain?: (value: number) => number;
}

type Unary = (x: Tensor) => Tensor;
const unary = (name: string, f: Unary, domain?: Row['domain']): Row => ({
  name,
  shapes: [[2, 3]],
  f: f as Row['f'],
  ...(domain === undefined ? {} : { domain }),
});
type Binary = (a: Tensor, b: Tensor) => Tensor;
/** Operands of one shape, and broadcast ones of both kinds. */
const binary = (name: string, f: Binary, domain?: Row['domain']): Row[] =>
  [
    [
      [2, 3],
      [2, 3],
    ],
    [[2, 3], [3]],
    [
      [2, 1],
      [2, 3],
    ],
    [[], [2, 3]],
  ].map((shapes) => ({
    name: `${name} ${JSON.stringify(shapes)}`,
    shapes,
    f: f as unknown as Row['f'],
    ...(domain === undefined ? {} : { domain }),
  }));

const positive = (value: number) => Math.abs(value) + 0.5;
const inUnit = (value: number) => Math.tanh(value) * 0.8;
const awayFromZero = (value: number) => value + Math.sign(value) * 0.3;

const rows: readonly Row[] = [
  unary('abs', tf.abs, awayFromZero),
  unary('acos', tf.acos, inUnit),
  unary('acosh', tf.acosh, (value) => positive(value) + 1),
  unary('asin', tf.asin, inUnit),
  unary('asinh', tf.asinh),
  unary('atan', tf.atan),
  unary('atanh', tf.atanh, inUnit),
  unary('cos', tf.cos),
  unary('cosh', tf.cosh),
  unary('elu', tf.elu, awayFromZero),
  unary('erf', tf.erf),
  unary('exp', tf.exp),
  unary('expm1', tf.expm1),
  unary('leakyRelu', (x) => tf.leakyRelu(x, 0.1), awayFromZero),
  unary('log', tf.log, positive),
  unary('log1p', tf.log1p, positive),
  unary('logSigmoid', tf.logSigmoid),
  unary('neg', tf.neg),
  unary('reciprocal', tf.reciprocal, positive),
  unary('relu', tf.relu, awayFromZero),
  unary('relu6', tf.relu6, (value) => awayFromZero(value) * 2),
  unary('rsqrt', tf.rsqrt, positive),
  unary('sigmoid', tf.sigmoid),
  unary('sin', tf.sin),
  unary('sinh', tf.sinh),
  unary('softplus', tf.softplus),
  unary('sqrt', tf.sqrt, positive),
  unary('square', tf.square),
  unary('tan', tf.tan, inUnit),
  unary('tanh', tf.tanh),
  unary('clipByValue', (x) => tf.clipByValue(x, -0.7, 0.7)),
  unary('cast', (x) => tf.cast(x, 'float32')),
  unary('clone', (x) => tf.clone(x)),
  unary('a comparison as a factor', (x) => tf.mul(x, tf.cast(tf.greater(x, 0), 'float32')), awayFromZero),
  unary('where', (x) => tf.where(tf.greater(x, 0), tf.square(x), tf.mul(x, 3)), awayFromZero),
  unary(
    'steps',
    (x) => tf.add(x, tf.add(tf.floor(x), tf.add(tf.sign(x), tf.round(x)))),
    () => 0.3,
  ),

  ...binary('add', tf.add),
  ...binary('sub', tf.sub),
  ...binary('mul', tf.mul),
  ...binary('div', tf.div, positive),
  ...binary('maximum', tf.maximum),
  ...binary('minimum', tf.minimum),
  ...binary('pow', tf.pow, positive),
  ...binary('squaredDifference', tf.squaredDifference),
  ...binary('atan2', tf.atan2, positive),
  ...binary('mod', tf.mod, positive),
  {
    name: 'addN',
    shapes: [
      [2, 2],
      [2, 2],
      [2, 2],
    ],
    f: ((...all: Tensor[]) => tf.addN(all)) as Row['f'],
  },
  { name: 'one tensor added to itself', shapes: [[3]], f: ((x: Tensor) => tf.add(x, x)) as Row['f'] },

  unary('sum', (x) => tf.sum(x)),
  unary('sum over an axis', (x) => tf.sum(x, 0)),
  unary('sum, axes kept', (x) => tf.sum(x, -1, true)),
  unary('mean', (x) => tf.mean(x)),
  unary('mean over an axis', (x) => tf.mean(x, 1)),
  unary('max', (x) => tf.max(x, 1)),
  unary('min', (x) => tf.min(x)),
  unary('logSumExp', (x) => tf.logSumExp(x, 1)),
  unary('softmax', (x) => tf.softmax(x)),
  unary('logSoftmax', (x) => tf.logSoftmax(x)),
  unary('cumsum', (x) => tf.cumsum(x, 1)),
  unary('cumsum, exclusive and reverse', (x) => tf.cumsum(x, 1, true, true)),
  unary('norm', (x) => tf.norm(x)),

  unary('reshape', (x) => tf.square(tf.reshape(x, [3, 2]))),
  unary('expandDims and squeeze', (x) => tf.squeeze(tf.square(tf.expandDims(x, 1)))),
  unary('transpose', (x) => tf.square(tf.transpose(x))),
  unary('reverse', (x) => tf.reverse(x, 1)),
  unary('broadcastTo', (x) => tf.broadcastTo(tf.expandDims(x, 0), [4, 2, 3])),
  unary('tile', (x) => tf.tile(x, [2, 3])),
  unary('pad', (x) =>
    tf.pad(x, [
      [1, 0],
      [2, 1],
    ]),
  ),
  unary('slice', (x) => tf.slice(x, [0, 1], [2, 2])),
  unary('slice to the end', (x) => tf.slice(x, [1, 0])),
  {
    name: 'concat',
    shapes: [
      [2, 2],
      [2, 3],
    ],
    f: ((a: Tensor2D, b: Tensor2D) => tf.concat([a, b], -1)) as unknown as Row['f'],
  },
  { name: 'stack', shapes: [[2], [2]], f: ((a: Tensor, b: Tensor) => tf.stack([a, b], 1)) as Row['f'] },
  unary('unstack, all used', (x) => tf.mul(tf.unstack(x)[0]!, tf.unstack(x)[1]!)),
  unary('unstack, one used', (x) => tf.unstack(x)[1]!),
  unary('split, one used', (x) => tf.split(x, [1, 2], 1)[1]!),
  unary('gather', (x) => tf.gather(x, tf.tensor1d([1, 0, 1], 'int32'))),
  unary('gather along an axis', (x) => tf.gather(x, tf.tensor1d([2, 2, 0], 'int32'), 1)),
  unary('topk', (x) => tf.topk(x, 2).values),

  ...[false, true].flatMap((left) =>
    [false, true].map((right): Row => ({
      name: `matMul ${left ? 'aᵀ' : 'a'} ${right ? 'bᵀ' : 'b'}`,
      shapes: [left ? [3, 2] : [2, 3], right ? [4, 3] : [3, 4]],
      f: ((a: Tensor2D, b: Tensor2D) => tf.matMul(a, b, left, right)) as unknown as Row['f'],
    })),
  ),
  {
    name: 'matMul of a broadcast batch',
    shapes: [
      [2, 2, 3],
      [1, 3, 2],
    ],
    f: tf.matMul as unknown as Row['f'],
  },
  { name: 'dot', shapes: [[3], [3]], f: ((a: Tensor1D, b: Tensor1D) => tf.dot(a, b)) as unknown as Row['f'] },
];

/** Step 2⁻⁷: error about h² f‴/6 + 1e-7 |f| / h, below 1e-4 for these functions and values. */
const h = 2 ** -7;

describe.each(['cpu', 'wasm'])('gradients on %s', (backend) => {
  it.each(rows.map((row) => [row.name, row] as const))(
    '%s',
    async (_name, { shapes, f, domain = (value) => value }) => {
      await tf.setBackend(backend);
      const before = tf.memory().numTensors;
      const data = shapes.map((shape, i) => draw(`input ${i}`, shape).map(domain));
      const weighted = (...inputs: Tensor[]) => {
        const value = (f as unknown as (...inputs: Tensor[]) => Tensor)(...inputs);
        return tf.sum(tf.mul(value, tf.tensor(draw('dy', value.shape), value.shape, 'float32'))) as Scalar;
      };
      const inputs = shapes.map((shape, i) => tf.tensor(data[i]!, [...shape], 'float32'));
      const { value, gradients } = grads(weighted)(inputs);
      for (const [i, shape] of shapes.entries()) {
        const got = gradients[i]!.dataSync();
        for (const index of data[i]!.keys()) {
          const at = (step: number) =>
            tf.tidy(() => {
              const moved = Float32Array.from(data[i]!, (x, j) => (j === index ? x + step : x));
              return weighted(
                ...inputs.map((x, j) => (j === i ? tf.tensor(moved, [...shape], 'float32') : x)),
              ).dataSync()[0]!;
            });
          const slope = (at(h) - at(-h)) / (2 * h);
          expect(Math.abs(got[index]! - slope), `input ${i}[${index}]: ${got[index]} against ${slope}`).toBeLessThan(
            2e-3 * (1 + Math.abs(slope)),
          );
        }
      }
      tf.dispose([value, ...gradients, ...inputs]);
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});

describe('unsortedSegmentSum, which wasm lacks', () => {
  it("gives each row the gradient of its segment's sum", async () => {
    await tf.setBackend('cpu');
    const ids = tf.tensor1d([1, 0, 1], 'int32');
    const run = grads((x: Tensor2D) => tf.unsortedSegmentSum(x, ids, 3) as Tensor2D);
    const dy = tf.tensor2d([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const { value, gradients } = run([tf.ones([3, 2])], dy);
    expect([...value.dataSync()]).toEqual([1, 1, 2, 2, 0, 0]);
    expect([...gradients[0].dataSync()]).toEqual([3, 4, 1, 2, 3, 4]);
    tf.dispose([ids, dy, value, ...gradients]);
  });
});

describe('shared extremes', () => {
  it('split the gradient of max evenly', () => {
    const { value, gradients } = grads((x: Tensor1D) => tf.max(x))([tf.tensor1d([2, 1, 2])]);
    expect([...gradients[0].dataSync()]).toEqual([0.5, 0, 0.5]);
    tf.dispose([value, ...gradients]);
  });
});

function draw(site: string, shape: readonly number[]): Float32Array {
  const size = shape.reduce((product, length) => product * length, 1);
  return normals({ seed: 3, stream: 'gradients', step: 0, microbatch: 0 }, site, size);
}
