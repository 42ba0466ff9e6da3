// SPDX-License-Identifier: Apache-2.0
import { tf, type Tensor, type Tensor2D, type Tensor4D } from '@llmf/nn';
import { filled, host, type HostValue } from '@llmf/testkit';
import { beforeAll, describe, expect, it } from 'vitest';

interface Case {
  readonly name: string;
  readonly inputs: readonly HostValue[];
  run(...inputs: Tensor[]): Tensor | Tensor[];
}

/** Sums of n products of normal numbers: rounding differs by about √n · 6e-8 of their size. */
const tolerance = 1e-5;

const unary = ['neg', 'abs', 'exp', 'square', 'sigmoid', 'tanh', 'relu', 'erf', 'reciprocal'] as const;
const binary = ['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'squaredDifference'] as const;

/** Shapes that reach tails, blocks, several threads and emptiness; tfjs's own specs use a handful of elements. */
const cases: readonly Case[] = [
  ...unary.map((name) => ({ name: `${name} of 40,007`, inputs: [host('x', [40_007], 3)], run: tf[name] })),
  ...(['sqrt', 'rsqrt', 'log'] as const).map((name) => ({
    name: `${name} of 5,003 positive numbers`,
    inputs: [positive('x', [5003])],
    run: tf[name],
  })),
  ...binary.flatMap((name) =>
    (
      [
        [
          [121, 257],
          [121, 257],
        ],
        [[121, 257], [257]],
        [[121, 1], [257]],
        [
          [7, 1, 33],
          [5, 1],
        ],
        [[], [70_001]],
        [[0, 3], [3]],
      ] as const
    ).map(([a, b]) => ({
      name: `${name} of [${a}] and [${b}]`,
      inputs: [host('a', a), positive('b', b)],
      run: (left: Tensor, right: Tensor) => tf[name](left, right),
    })),
  ),
  ...(['sum', 'mean', 'max', 'min'] as const).flatMap((name) =>
    ([null, 0, 1, 2, [0, 2], [0, 1], [1, 2]] as const).map((axis) => ({
      name: `${name} of [37, 65, 35] over ${axis === null ? 'all' : `[${axis}]`}`,
      inputs: [host('x', [37, 65, 35], 1, 1)],
      run: (x: Tensor) => tf[name](x, axis === null ? undefined : ([axis].flat() as number[])),
    })),
  ),
  ...(
    [
      [1, 1, 1],
      [1, 300, 517],
      [12, 64, 64],
      [13, 65, 449],
      [145, 97, 899],
      [300, 7, 1300],
      [0, 3, 4],
      [3, 4, 0],
    ] as const
  ).flatMap(([m, n, k]) =>
    [false, true].flatMap((transposeA) =>
      [false, true].map((transposeB) => ({
        name: `[${m}, ${k}]${transposeA ? 'ᵀ' : ''} · [${k}, ${n}]${transposeB ? 'ᵀ' : ''}`,
        inputs: [host('a', transposeA ? [k, m] : [m, k], 0.3), host('b', transposeB ? [n, k] : [k, n], 0.3)],
        run: (a: Tensor, b: Tensor) => tf.matMul(a, b, transposeA, transposeB),
      })),
    ),
  ),
  {
    name: 'batches of products, one factor repeated',
    inputs: [host('a', [6, 33, 17]), host('b', [1, 17, 40])],
    run: (a, b) => tf.matMul(a, b),
  },
  {
    name: 'a product with a bias',
    inputs: [host('a', [70, 33]), host('b', [33, 50]), host('bias', [50])],
    run: (a, b, bias) => tf.fused.matMul({ a: a as Tensor2D, b: b as Tensor2D, bias }),
  },
  { name: 'softmax', inputs: [host('x', [19, 1003], 4)], run: (x) => tf.softmax(x) },
  { name: 'logSoftmax', inputs: [host('x', [19, 1003], 4)], run: (x) => tf.logSoftmax(x) },
  ...(
    [
      [1, 0],
      [0, 2, 1],
      [2, 1, 0],
      [1, 2, 0],
      [0, 2, 1, 3],
    ] as const
  ).map((permutation) => ({
    name: `transpose by [${permutation}]`,
    inputs: [host('x', [37, 65, 11, 3].slice(0, permutation.length))],
    run: (x: Tensor) => tf.transpose(x, [...permutation]),
  })),
  { name: 'a slice of rows', inputs: [host('x', [99, 33])], run: (x) => tf.add(tf.slice(x, [3, 0], [90, 33]), 0) },
  { name: 'a slice of both axes', inputs: [host('x', [99, 133])], run: (x) => tf.slice(x, [3, 5], [90, 101]) },
  {
    name: 'a slice within four axes',
    inputs: [host('x', [5, 6, 7, 8])],
    run: (x) => tf.slice(x as Tensor4D, [1, 2, 0, 3], [3, 4, 7, 2]),
  },
  { name: 'splits', inputs: [host('x', [31, 64])], run: (x) => tf.split(x, [10, 50, 4], 1) },
  { name: 'rows joined', inputs: [host('x', [31, 64]), host('y', [7, 64])], run: (x, y) => tf.concat([x, y], 0) },
  { name: 'columns joined', inputs: [host('x', [31, 64]), host('y', [31, 9])], run: (x, y) => tf.concat([x, y], -1) },
  { name: 'tiles', inputs: [host('x', [5, 3])], run: (x) => tf.tile(x, [3, 4]) },
  {
    name: 'gathered rows',
    inputs: [host('x', [50, 37])],
    run: (x) => tf.gather(x, tf.tensor1d(ids(400, 50), 'int32')),
  },
  {
    name: 'segment sums',
    inputs: [host('x', [400, 37])],
    run: (x) => tf.unsortedSegmentSum(x, tf.tensor1d(ids(400, 50), 'int32'), 55),
  },
  {
    name: 'a sum of several',
    inputs: ['a', 'b', 'c'].map((name) => host(name, [33, 7])),
    run: (...tensors) => tf.addN(tensors),
  },
  { name: 'zeros and ones alike', inputs: [host('x', [77])], run: (x) => [tf.zerosLike(x), tf.onesLike(x)] },
  { name: 'a filled tensor', inputs: [], run: () => tf.fill([1033], 2.5) },
  {
    name: 'integers as floats',
    inputs: [host('x', [1033], 100)],
    run: (x) => tf.cast(tf.cast(x, 'int32'), 'float32'),
  },
  { name: 'flags as floats', inputs: [host('x', [1033])], run: (x) => tf.cast(tf.greater(x, 0), 'float32') },
];

/** Holds the overridden standard kernels against tfjs's JS backend. */
export function describeStandardKernels(start: () => Promise<void>): void {
  describe('standard kernels', () => {
    beforeAll(start);

    it.each(cases.map((one) => [one.name, one] as const))('%s: as on the JS backend', async (_name, one) => {
      await start();
      const got = valuesOf(one);
      await tf.setBackend('cpu');
      const expected = valuesOf(one);
      await start();
      expect(got.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
      for (const [index, { data }] of expected.entries()) expect(worst(got[index]!.data, data)).toBeLessThan(tolerance);
    });

    it.each([...unary, 'sqrt', 'rsqrt', 'log'] as const)('%s passes NaN, in whole vectors and in tails', (name) => {
      const x = new Float32Array(37).fill(0.5);
      x[3] = x[36] = NaN;
      const y = tf.tidy(() => tf[name](tf.tensor1d(x)).dataSync());
      expect([...y].map(Number.isNaN)).toEqual([...x].map(Number.isNaN));
    });

    it.each(binary)('%s passes NaN of either operand', (name) => {
      const a = new Float32Array(37).fill(0.5);
      const b = Float32Array.from(a);
      a[3] = b[20] = b[36] = NaN;
      const y = tf.tidy(() => tf[name](tf.tensor1d(a), tf.tensor1d(b)).dataSync());
      expect([...y.keys()].filter((i) => Number.isNaN(y[i]))).toEqual([3, 20, 36]);
    });

    it.each(['sum', 'mean', 'max', 'min', 'softmax', 'logSoftmax'] as const)(
      '%s passes NaN of its row only',
      (name) => {
        const x = new Float32Array(3 * 37).fill(0.5);
        x[40] = NaN;
        const y = tf.tidy(() =>
          (tf[name] as (x: Tensor, axis: number) => Tensor)(tf.tensor2d(x, [3, 37]), 1).dataSync(),
        );
        const rows = [0, 1, 2].map((row) => y.slice((row * y.length) / 3, ((row + 1) * y.length) / 3));
        expect(rows.map((row) => row.every(Number.isNaN))).toEqual([false, true, false]);
        expect(rows.map((row) => row.some(Number.isNaN))).toEqual([false, true, false]);
      },
    );

    it('exponentials keep to 2 ulp from the smallest to the largest result', () => {
      const x = Float32Array.from({ length: 4001 }, (_, i) => -87 + (i * (88.7 + 87)) / 4000);
      const y = tf.tidy(() => tf.exp(tf.tensor1d(x)).dataSync());
      const errors = [...x].map((value, i) => Math.abs(y[i]! / Math.exp(value) - 1));
      expect(Math.max(...errors)).toBeLessThan(2.5e-7);
      expect([...tf.tidy(() => tf.exp(tf.tensor1d([-200, 89, -Infinity, Infinity])).dataSync())]).toEqual([
        0,
        Infinity,
        0,
        Infinity,
      ]);
    });

    it('leaves denormal numbers to JS as they are', () => {
      tf.tidy(() => tf.add(tf.ones([5000]), 1));
      const smallest = new Float32Array([1e-40]);
      expect(smallest[0]! * 2).toBeGreaterThan(0);
    });
  });
}

function valuesOf(one: Case): HostValue[] {
  return tf.tidy(() => {
    const inputs = one.inputs.map(({ shape, data }) => tf.tensor(data, [...shape], 'float32'));
    const outputs = [one.run(...inputs)].flat() as Tensor[];
    return outputs.map((output) => ({ shape: output.shape, data: Float32Array.from(output.dataSync()) }));
  }) as unknown as HostValue[];
}

/** Largest difference, as a share of 1 + the largest value. */
function worst(got: Float32Array, expected: Float32Array): number {
  const scale = 1 + expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return expected.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]!) / scale), 0);
}

function positive(site: string, shape: readonly number[]): HostValue {
  const { data } = host(site, shape);
  return { ...filled(shape, 0), data: data.map((value) => Math.abs(value) + 0.1) };
}

const ids = (count: number, limit: number) => Int32Array.from({ length: count }, (_, i) => (i * 7919) % limit);
