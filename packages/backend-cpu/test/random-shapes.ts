// SPDX-License-Identifier: Apache-2.0
import { uniforms } from '@llmf/core';
import { kernels, tf, type Tensor, type Tensor1D, type Tensor2D } from '@llmf/nn';
import { host, type HostValue } from '@llmf/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { nativeKernels } from '../src/kernels/index.js';

/** One call of a standard op on inputs drawn at random. */
interface Drawn {
  readonly inputs: readonly (HostValue & { readonly dtype?: 'int32' })[];
  run(...inputs: Tensor[]): Tensor | Tensor[];
}
interface Kind {
  readonly name: string;
  /** tfjs's kernels that it is about. */
  readonly kernels: readonly string[];
  readonly draws?: number;
  draw(random: Random): Drawn;
}

/** The same draws on every machine; another LLMF_SHAPE_SEED gives others. */
const seed = Number(process.env['LLMF_SHAPE_SEED'] ?? 1);
const draws = 4;
/** Sums of n products of normal numbers: rounding differs by about √n · 6e-8 of their size. */
const tolerance = 1e-5;

class Random {
  private readonly values: Float32Array;
  private next = 0;

  constructor(readonly site: string) {
    this.values = uniforms({ seed, stream: 'random-shapes', step: 0, microbatch: 0 }, site, 100);
  }

  /** In [0, limit). */
  below(limit: number): number {
    return Math.min(limit - 1, Math.floor(this.values[this.next++]! * limit));
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  /** One in ten is 0, one in ten is 1, else up to `most`: tails of vectors and blocks come by themselves. */
  size(most: number): number {
    const kind = this.below(10);
    return kind < 2 ? kind : 1 + this.below(most);
  }
  /** Up to `most` values in all, about as many on each axis. */
  shape(rank: number, most: number): number[] {
    return Array.from({ length: rank }, () => this.size(Math.floor(most ** (1 / rank))));
  }
  permutation(length: number): number[] {
    const order = Array.from({ length }, (_, i) => i);
    for (let i = length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }
  values1d(shape: readonly number[], scale = 1, shift = 0): HostValue {
    return host(`${this.site} ${this.next}`, shape, scale, shift);
  }
}

const absolute = ({ shape, data }: HostValue): HostValue => ({
  shape,
  data: data.map((value) => Math.abs(value) + 0.1),
});

const unary = {
  Neg: tf.neg,
  Abs: tf.abs,
  Exp: tf.exp,
  Sqrt: tf.sqrt,
  Rsqrt: tf.rsqrt,
  Square: tf.square,
  Sigmoid: tf.sigmoid,
  Tanh: tf.tanh,
  Relu: tf.relu,
  Reciprocal: tf.reciprocal,
  Erf: tf.erf,
  Log: tf.log,
} as const;

const binary = {
  Add: tf.add,
  Sub: tf.sub,
  Multiply: tf.mul,
  RealDiv: tf.div,
  Maximum: tf.maximum,
  Minimum: tf.minimum,
  SquaredDifference: tf.squaredDifference,
} as const;

const reductions = { Sum: tf.sum, Mean: tf.mean, Max: tf.max, Min: tf.min } as const;

const kinds: readonly Kind[] = [
  ...Object.entries(unary).map(([name, run]) => ({
    name,
    kernels: [name],
    draw: (random: Random): Drawn => {
      const x = random.values1d(random.shape(1 + random.below(3), 30_000), 3);
      return { inputs: [['Sqrt', 'Rsqrt', 'Log', 'Reciprocal'].includes(name) ? absolute(x) : x], run };
    },
  })),
  ...Object.entries(binary).map(([name, run]) => ({
    name,
    kernels: [name],
    draws: 6,
    draw: (random: Random): Drawn => {
      const shape = random.shape(1 + random.below(4), 25_000);
      const part = () => shape.map((size) => (random.chance(30) ? 1 : size)).slice(random.chance(20) ? 1 : 0);
      return { inputs: [random.values1d(part()), absolute(random.values1d(part()))], run };
    },
  })),
  {
    name: 'AddN',
    kernels: ['AddN'],
    draw(random) {
      const shape = random.shape(1 + random.below(3), 30_000);
      const inputs = Array.from({ length: 2 + random.below(4) }, () => random.values1d(shape));
      return { inputs, run: (...tensors) => tf.addN(tensors) };
    },
  },
  ...Object.entries(reductions).map(([name, run]) => ({
    name,
    kernels: [name],
    draws: 6,
    draw: (random: Random): Drawn => {
      const rank = 1 + random.below(4);
      const isLong = random.chance(20); // one run beyond what a single task reduces
      const drawn = isLong ? [140_000 + random.below(9000)] : random.shape(rank, 40_000);
      // The largest of nothing is tfjs's affair: undefined there.
      const shape = name === 'Max' || name === 'Min' ? drawn.map((size) => Math.max(1, size)) : drawn;
      const axes = random.permutation(shape.length).slice(0, 1 + random.below(shape.length));
      const keep = random.chance(30);
      return { inputs: [random.values1d(shape, 1, 1)], run: (x) => run(x, axes, keep) };
    },
  })),
  ...(['softmax', 'logSoftmax'] as const).map((name) => ({
    name,
    kernels: [name === 'softmax' ? 'Softmax' : 'LogSoftmax'],
    draw: (random: Random): Drawn => ({
      inputs: [random.values1d([...random.shape(1 + random.below(2), 200), 1 + random.below(700)], 4)],
      run: (x) => tf[name](x),
    }),
  })),
  {
    name: 'matMul, either factor transposed, batches equal or of one',
    kernels: ['BatchMatMul'],
    draws: 16,
    draw(random) {
      const [m, n, k] = [random.size(140), random.size(140), random.size(500)];
      const batch = random.shape(random.below(3), 12);
      const single = batch.map(() => 1);
      const [left, right] = random.chance(50) ? [batch, batch] : random.chance(50) ? [batch, single] : [single, batch];
      const [transposeA, transposeB] = [random.chance(50), random.chance(50)];
      return {
        inputs: [
          random.values1d([...left, ...(transposeA ? [k, m] : [m, k])], 0.3),
          random.values1d([...right, ...(transposeB ? [n, k] : [k, n])], 0.3),
        ],
        run: (a, b) => tf.matMul(a, b, transposeA, transposeB),
      };
    },
  },
  {
    name: 'matMul with a bias',
    kernels: ['_FusedMatMul'],
    draws: 6,
    draw(random) {
      const [m, n, k] = [1 + random.below(140), 1 + random.below(140), 1 + random.below(300)];
      const [transposeA, transposeB] = [random.chance(50), random.chance(50)];
      const shapes = [transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n], [n]];
      return {
        inputs: shapes.map((shape) => random.values1d(shape, 0.3)),
        run: (a, b, bias) =>
          tf.fused.matMul({ a: a as Tensor2D, b: b as Tensor2D, bias: bias!, transposeA, transposeB }),
      };
    },
  },
  {
    name: 'transpose',
    kernels: ['Transpose'],
    draws: 8,
    draw(random) {
      const shape = random.shape(1 + random.below(5), 30_000);
      const order = random.permutation(shape.length);
      return { inputs: [words(random, shape)], run: (x) => tf.transpose(x, order) };
    },
  },
  {
    name: 'slice',
    kernels: ['Slice'],
    draws: 8,
    draw(random) {
      const shape = random.shape(1 + random.below(4), 30_000);
      const sizes = shape.map((size) => (random.chance(20) ? size : random.below(size + 1)));
      const begin = shape.map((size, axis) => random.below(size - sizes[axis]! + 1));
      // A contiguous slice shares its buffer; the sum reads it where it lies.
      return { inputs: [words(random, shape)], run: (x) => [tf.slice(x, begin, sizes), addZero(x, begin, sizes)] };
    },
  },
  {
    name: 'split',
    kernels: ['SplitV'],
    draw(random) {
      const shape = random.shape(1 + random.below(3), 20_000);
      const axis = random.below(shape.length);
      const lengths = [random.below(40), random.below(40), random.below(3)];
      shape[axis] = lengths.reduce((a, b) => a + b);
      return { inputs: [words(random, shape)], run: (x) => tf.split(x, lengths, axis) };
    },
  },
  {
    name: 'concat',
    kernels: ['Concat'],
    draws: 6,
    draw(random) {
      const shape = random.shape(1 + random.below(3), 8000);
      const axis = random.below(shape.length);
      const isInt = random.chance(40);
      const inputs = Array.from({ length: 2 + random.below(4) }, () =>
        words(random, shape.toSpliced(axis, 1, random.size(20)), isInt),
      );
      return { inputs, run: (...tensors) => tf.concat(tensors, axis) };
    },
  },
  {
    name: 'tile',
    kernels: ['Tile'],
    draw(random) {
      const shape = random.shape(1 + random.below(3), 1500);
      const repeats = shape.map(() => random.below(4));
      return { inputs: [words(random, shape)], run: (x) => tf.tile(x, repeats) };
    },
  },
  {
    name: 'gather',
    kernels: ['GatherV2'],
    draw(random) {
      const rows = 1 + random.below(80);
      const shape = [rows, ...random.shape(random.below(3), 200)];
      const ids = places(random, random.size(500), rows);
      return { inputs: [words(random, shape), ids], run: (x, indices) => tf.gather(x, indices as Tensor1D) };
    },
  },
  {
    name: 'unsortedSegmentSum, ids without a segment left out',
    kernels: ['UnsortedSegmentSum'],
    draw(random) {
      const [count, segments] = [1 + random.below(300), 1 + random.below(30)];
      const shape = [count, ...random.shape(random.below(2), 60)];
      const ids = places(random, count, segments + 2);
      return {
        inputs: [random.values1d(shape), { ...ids, data: ids.data.map((id) => id - 1) }],
        run: (x, of) => tf.unsortedSegmentSum(x, of as Tensor1D, segments),
      };
    },
  },
  {
    name: 'cast to float32',
    kernels: ['Cast'],
    draw(random) {
      const shape = random.shape(1 + random.below(3), 40_000);
      const isInt = random.chance(50);
      const run = (x: Tensor) => tf.cast(isInt ? x : tf.greater(x, 0), 'float32');
      return { inputs: [words(random, shape, isInt)], run };
    },
  },
  {
    name: 'fill, zerosLike and onesLike',
    kernels: ['Fill', 'ZerosLike', 'OnesLike'],
    draw(random) {
      const shape = random.shape(1 + random.below(3), 150_000);
      return {
        inputs: [random.values1d(shape)],
        run: (x) => [tf.fill(shape, -1.25), tf.zerosLike(x), tf.onesLike(x)],
      };
    },
  },
];

/** Standard kernels on shapes drawn at random, held against tfjs's JS backend. */
export function describeRandomShapes(start: () => Promise<void>): void {
  describe(`random shapes, seed ${seed}`, () => {
    beforeAll(start);

    it('reach every standard kernel that is computed natively', () => {
      const contract: readonly string[] = Object.values(kernels);
      const standard = nativeKernels.map(({ kernelName }) => kernelName).filter((name) => !contract.includes(name));
      expect(standard.length).toBeGreaterThan(35);
      expect(kinds.flatMap((kind) => kind.kernels).toSorted()).toEqual(standard.toSorted());
    });

    it.each(kinds.map((kind) => [kind.name, kind] as const))('%s: as on the JS backend', async (name, kind) => {
      const cases = Array.from({ length: kind.draws ?? draws }, (_, i) => kind.draw(new Random(`${name} ${i}`)));
      await start();
      const got = cases.map(valuesOf);
      await tf.setBackend('cpu');
      const expected = cases.map(valuesOf);
      await start();
      const compared = expected.map((outputs, i) => {
        const differences = outputs.map((output, j) => worst(got[i]![j]!, output));
        return { shapes: cases[i]!.inputs.map(({ shape }) => `[${shape}]`).join(' '), differences };
      });
      expect(compared.filter(({ differences }) => differences.length > 0)).toHaveLength(cases.length);
      const isFar = (difference: number) => !(difference <= tolerance);
      expect(compared.filter(({ differences }) => differences.some(isFar))).toEqual([]);
    });
  });

  describe('numbers that are none, and infinities', () => {
    beforeAll(start);
    /** Each at several places of a vector and in its tail. */
    const special = [NaN, Infinity, -Infinity, 0, 1, -1, 88, -88, 1e38, -1e38, 1e-30, -0.5];
    const many = Array.from({ length: 5 * special.length + 7 }, (_, i) => special[(i * 7) % special.length]!);

    it.each(Object.entries(unary))('%s: as on the JS backend', async (_name, run) => {
      await expectSame(start, () => run(tf.tensor1d(many)));
    });

    it.each(Object.entries(binary))('%s of every two of them: as on the JS backend', async (_name, run) => {
      await expectSame(start, () => run(tf.tensor2d(many, [many.length, 1]), tf.tensor1d(many)));
    });

    it.each(Object.entries(reductions))('%s along rows and columns: as on the JS backend', async (_name, run) => {
      const rows = special.flatMap((value) => Array.from({ length: 39 }, (_, i) => (i % 13 === 5 ? value : 0.25)));
      const x = () => tf.tensor2d([...rows, ...many.slice(0, 39)], [special.length + 1, 39]);
      await expectSame(start, () => run(x(), 1));
      await expectSame(start, () => run(x(), 0));
    });

    it.each(['softmax', 'logSoftmax'] as const)('%s of rows with one: as on the JS backend', async (name) => {
      const rows = [NaN, Infinity, -Infinity, 1e38, -1e38].flatMap((value) =>
        Array.from({ length: 39 }, (_, i) => (i === 38 || i === 2 ? value : i / 39)),
      );
      const hidden = Array.from({ length: 39 }, () => -Infinity);
      await expectSame(start, () => tf[name](tf.tensor2d([...rows, ...hidden], [6, 39])));
    });

    it('a product keeps them to their row and column', async () => {
      const [m, k, n] = [31, 45, 37];
      const left = host('left', [m, k]);
      const right = host('right', [k, n]);
      left.data[3 * k + 44] = NaN;
      left.data[30 * k] = Infinity;
      right.data[7 * n + 36] = -Infinity;
      await expectSame(start, () => tf.matMul(tf.tensor2d(left.data, [m, k]), tf.tensor2d(right.data, [k, n])));
    });
  });
}

/** float32 or int32. */
function words(random: Random, shape: readonly number[], isInt = random.chance(40)): Drawn['inputs'][number] {
  const { data } = random.values1d(shape, isInt ? 1000 : 1);
  return isInt ? { shape, data: data.map(Math.round), dtype: 'int32' } : { shape, data };
}

const places = (random: Random, count: number, limit: number): Drawn['inputs'][number] => ({
  shape: [count],
  data: random.values1d([count]).data.map((value) => Math.floor(Math.abs(value) * 1e4) % limit),
  dtype: 'int32',
});

const addZero = (x: Tensor, begin: number[], sizes: number[]) =>
  tf.add(tf.cast(tf.slice(x, begin, sizes), 'float32'), 0);

function valuesOf({ inputs, run }: Drawn): HostValue[] {
  return tf.tidy(() => {
    const tensors = inputs.map(({ shape, data, dtype }) => tf.tensor(data, [...shape], dtype ?? 'float32'));
    const outputs = [run(...tensors)].flat() as Tensor[];
    return outputs.map((output) => ({ shape: output.shape, data: Float32Array.from(output.dataSync()) }));
  }) as unknown as HostValue[];
}

async function expectSame(start: () => Promise<void>, run: () => Tensor): Promise<void> {
  await start();
  const got = tf.tidy(() => run().dataSync());
  await tf.setBackend('cpu');
  const expected = tf.tidy(() => run().dataSync());
  await start();
  const wrong = [...expected.keys()].filter((i) => !isNear(got[i]!, expected[i]!));
  expect(wrong.map((i) => [i, got[i], expected[i]])).toEqual([]);
}

const isNear = (got: number, expected: number) =>
  Object.is(got, expected) || got === expected || Math.abs(got - expected) <= tolerance * (1 + Math.abs(expected));

/** Largest difference, as a share of 1 + the largest value; NaN where shapes differ or one is no number. */
function worst(got: HostValue, expected: HostValue): number {
  if (got.shape.join() !== expected.shape.join()) return NaN;
  if (got.data.length === 0 && got.shape.includes(0)) return 0; // tfjs's JS product of no batches has values all the same
  const scale = 1 + expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let most = 0;
  for (const [i, value] of expected.data.entries()) {
    if (Object.is(value, got.data[i])) continue; // two that are no number, or two infinities
    const difference = Math.abs(value - got.data[i]!) / scale;
    if (!(difference <= most)) most = difference;
    if (Number.isNaN(most)) return most;
  }
  return most;
}
