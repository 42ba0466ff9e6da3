// SPDX-License-Identifier: Apache-2.0
import {
  bf16,
  embedding,
  frozenTensor,
  grads,
  linear,
  selectedLogProbs,
  swiglu,
  tf,
  type LowRank,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@llmf/nn';
import { host } from '@llmf/testkit';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { startNativeBackend } from '../src/backend/start.js';

/** Rows, columns, values row by row in double precision. */
interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

/** float32 sums of exact bf16 products, √k·6e-8 of their size, against double precision. */
const sumTolerance = 1e-5;
/** Where a float32 result is rounded to bf16 for a further product, a last bit may tip it to the neighbour: 2⁻⁸. */
const chainTolerance = 2e-3;

/** Tails of every block, depth beyond one pass of each block, few rows, few columns. */
const shapes = [
  { tokens: 37, inputs: 97, outputs: 65, rank: 0 },
  { tokens: 1, inputs: 2000, outputs: 40, rank: 0 },
  { tokens: 150, inputs: 65, outputs: 129, rank: 0 },
  { tokens: 300, inputs: 1700, outputs: 33, rank: 0 },
  { tokens: 50, inputs: 901, outputs: 33, rank: 8 },
  { tokens: 150, inputs: 65, outputs: 129, rank: 7 },
  { tokens: 3, inputs: 31, outputs: 1, rank: 1 },
] as const;

/** Factors that were rounded to bf16, 2⁻⁹ of each, against those that were not. */
const roundedTolerance = 2 ** -8;

/** Precision bf16: the factors of products are bf16, sums float32, on each path whatever its instructions are. */
export function describeRoundedProducts(start: () => Promise<void>): void {
  describe('products of bf16 factors', () => {
    const startRounding = async () => void (await startNativeBackend({ threads: 2, sharedFrom: 0, precision: 'bf16' }));
    beforeEach(startRounding);
    afterAll(start);

    it.each(shapes)('linear of $tokens × $inputs by $outputs, rank $rank, and its gradients', (shape) => {
      const { tokens, inputs, outputs, rank } = shape;
      const [x, w, dy] = [matrix('x', tokens, inputs), matrix('w', outputs, inputs), matrix('dy', tokens, outputs)];
      const [a, b] = [matrix('a', rank, inputs), matrix('b', outputs, rank)];
      const scale = 0.5;
      const low = rounded(times(rounded(x), transposed(rounded(scaled(a, scale)))));
      const lowBack = rounded(times(rounded(dy), rounded(scaled(b, scale))));
      const y = plus(times(rounded(x), transposed(rounded(w))), times(low, transposed(rounded(b))));
      const dx = plus(times(rounded(dy), rounded(w)), times(lowBack, rounded(a)));
      const tolerance = rank === 0 ? sumTolerance : chainTolerance;
      tf.tidy(() => {
        const weight = frozen(w);
        const lowRank = { a: tensorOf(a), b: tensorOf(b), scale, dropout: 0 } as unknown as LowRank;
        const options = rank === 0 ? {} : { lowRank };
        const run = (value: Tensor) => linear(value as Tensor2D, weight, options);
        expectClose(run(tensorOf(x)), y, tolerance);
        const loss = (value: Tensor) => tf.sum(tf.mul(run(value), tensorOf(dy))) as Scalar;
        expectClose(grads(loss)([tensorOf(x)]).gradients[0]!, dx, tolerance);
        weight.dispose();
      });
    });

    it('a trained weight and its gradient when the run computes in bf16, and not when it computes in f32', async () => {
      const [x, w, dy] = [matrix('x', 70, 90), matrix('w', 60, 90), matrix('dy', 70, 60)];
      const run = () =>
        tf.tidy(() => {
          const loss = (weight: Tensor) =>
            tf.sum(tf.mul(linear(tensorOf(x), weight as Tensor2D), tensorOf(dy))) as Scalar;
          return Float32Array.from(grads(loss)([tensorOf(w)]).gradients[0]!.dataSync());
        });
      await startRounding();
      expect(worst(run(), times(transposed(rounded(dy)), rounded(x)))).toBeLessThan(sumTolerance);
      await start();
      expect(worst(run(), times(transposed(dy), x))).toBeLessThan(sumTolerance);
    });

    it('log-probs over a bf16 head, and the gradient of hidden states', () => {
      const [tokens, columns, vocabulary] = [70, 50, 5000];
      const [hidden, head] = [matrix('h', tokens, columns), matrix('head', vocabulary, columns)];
      const rows = Int32Array.from({ length: 61 }, (_, i) => i + 5);
      const targets = rows.map((row) => (row * 71) % vocabulary);
      const logits = times(rounded(hidden), transposed(rounded(head)));
      const normalizers = Array.from({ length: tokens }, (_, t) => logSumExp(row(logits, t)));
      const expected = Float64Array.from(rows, (t, i) => row(logits, t)[targets[i]!]! - normalizers[t]!);
      const dz = zeros(tokens, vocabulary);
      rows.forEach((t, i) => {
        const [z, d] = [row(logits, t), row(dz, t)];
        z.forEach((value, v) => (d[v] = (v === targets[i] ? 1 : 0) - Math.exp(value - normalizers[t]!)));
      });
      tf.tidy(() => {
        const weight = frozen(head);
        const run = (value: Tensor) => selectedLogProbs(value as Tensor2D, weight, rows, targets).logProb;
        const logProb = run(tensorOf(hidden)) as Tensor1D;
        expectClose(logProb, { rows: 1, columns: rows.length, values: expected }, sumTolerance);
        const loss = (value: Tensor) => tf.sum(run(value)) as Scalar;
        const gradient = grads(loss)([tensorOf(hidden)]).gradients[0]!;
        expectClose(gradient, times(rounded(dz), rounded(head)), chainTolerance);
        weight.dispose();
      });
    });

    it.each([1, 0.7])(
      'log-probs over a trained head at temperature %d: the same bits, kept or computed again',
      (temperature) => {
        const [tokens, columns, vocabulary] = [80, 50, 700];
        const [hidden, head] = [matrix('h', tokens, columns), matrix('head', vocabulary, columns)];
        const gradientsOf = (count: number) => {
          const rows = Int32Array.from({ length: count }, (_, i) => i + 3);
          const targets = rows.map((place) => (place * 71) % vocabulary);
          let keptBytes = 0;
          const loss = (h: Tensor, w: Tensor) => {
            const before = tf.memory().numBytes;
            const { logProb } = selectedLogProbs(h as Tensor2D, w as Tensor2D, rows, targets, { temperature });
            keptBytes = tf.memory().numBytes - before;
            return tf.sum(logProb) as Scalar;
          };
          const { gradients } = grads(loss)([tensorOf(hidden), tensorOf(head)]);
          return {
            dHidden: gradients[0]!.dataSync() as Float32Array,
            dHead: gradients[1]!.dataSync() as Float32Array,
            keptBytes,
          };
        };
        tf.tidy(() => {
          const [kept, again] = [gradientsOf(columns), gradientsOf(columns + 1)];
          expect(kept.keptBytes - again.keptBytes).toBeGreaterThan(2 * columns * vocabulary); // a word of two bytes each
          const ofKept = kept.dHidden.subarray(0, (columns + 3) * columns);
          expect([...ofKept]).toEqual([...again.dHidden.subarray(0, (columns + 3) * columns)]);
          const logits = times(rounded(hidden), transposed(rounded(head)));
          const dz = zeros(tokens, vocabulary);
          for (let t = 3; t < columns + 3; t++) {
            const z = row(logits, t).map((value) => value / temperature);
            const normalizer = logSumExp(z);
            z.forEach((value, v) => (row(dz, t)[v] = -Math.exp(value - normalizer) / temperature));
            const target = (t * 71) % vocabulary;
            row(dz, t)[target]! += 1 / temperature;
          }
          // Two roundings to bf16 of p, one of the head; sums of 700 of them.
          expect(worst(kept.dHidden, times(dz, rounded(head)))).toBeLessThan(roundedTolerance);
          expect(worst(kept.dHead, times(transposed(dz), rounded(hidden)))).toBeLessThan(roundedTolerance);
        });
      },
    );

    it('gate and up of swiglu, which keeps of them what is left of both in the place of one', async () => {
      const [gate, up] = [matrix('gate', 37, 41), matrix('up', 37, 41)];
      let keptBytes = 0;
      const loss = (g: Tensor2D, u: Tensor2D) => {
        const before = tf.memory().numBytes;
        const y = swiglu(g, u);
        keptBytes = tf.memory().numBytes - before - 4 * y.size;
        return tf.sum(tf.square(y)) as Scalar;
      };
      const run = (g: Matrix, u: Matrix) =>
        tf.tidy(() => {
          const { value, gradients } = grads(loss)([tensorOf(g), tensorOf(u)]);
          return [value, ...gradients].map((tensor) => [...tensor.dataSync()]);
        });
      await startRounding();
      const found = run(gate, up);
      expect(keptBytes).toBe(4 * 37 * 41);
      expect(found).toEqual(run(rounded(gate), rounded(up)));
      await start();
      expect(run(gate, up)).not.toEqual(found);
    });

    it('gathers rows of a bf16 table as they are', () => {
      const table = matrix('table', 40, 37);
      tf.tidy(() => {
        const weight = frozen(table);
        const rows = [...embedding(Int32Array.of(3, 39, 0, 3), weight).dataSync()];
        expect(rows).toEqual([3, 39, 0, 3].flatMap((index) => [...row(rounded(table), index)]));
        weight.dispose();
      });
    });

    it('give a row the same bits whatever stands beside it, for linear and for log-probs', () => {
      tf.tidy(() => {
        const x = tensorOf(matrix('x', 301, 1700));
        const [weight, head] = [frozen(matrix('w', 70, 1700)), frozen(matrix('v', 5000, 48))];
        const whole = linear(x, weight);
        for (const [first, count] of [
          [0, 1],
          [13, 25],
          [290, 11],
        ] as const) {
          const alone = linear(tf.slice(x, [first, 0], [count, 1700]), weight);
          expect([...alone.dataSync()]).toEqual([...tf.slice(whole, [first, 0], [count, 70]).dataSync()]);
        }
        const hidden = tensorOf(matrix('h', 130, 48));
        const rows = Int32Array.from({ length: 120 }, (_, i) => i + 3);
        const all = selectedLogProbs(hidden, head, rows, rows).logProb;
        const some = selectedLogProbs(hidden, head, rows.slice(41, 48), rows.slice(41, 48)).logProb;
        expect([...some.dataSync()]).toEqual([...tf.slice(all, 41, 7).dataSync()]);
        weight.dispose();
        head.dispose();
      });
    });
  });
}

/** Nearest bfloat16, ties to even. */
function rounded(x: Matrix): Matrix {
  const bits = new Uint32Array(Float32Array.from(x.values).buffer);
  const upper = bits.map((word) => ((word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000) >>> 0);
  return { ...x, values: Float64Array.from(new Float32Array(upper.buffer)) };
}

function times(a: Matrix, b: Matrix): Matrix {
  const c = zeros(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    const to = row(c, i);
    row(a, i).forEach((factor, k) => row(b, k).forEach((value, j) => (to[j]! += factor * value)));
  }
  return c;
}

function transposed(a: Matrix): Matrix {
  const c = zeros(a.columns, a.rows);
  for (let i = 0; i < a.rows; i++) row(a, i).forEach((value, j) => (c.values[j * a.rows + i] = value));
  return c;
}

const row = ({ columns, values }: Matrix, index: number) => values.subarray(index * columns, (index + 1) * columns);
const zeros = (rows: number, columns: number): Matrix => ({ rows, columns, values: new Float64Array(rows * columns) });
const plus = (a: Matrix, b: Matrix): Matrix => ({ ...a, values: a.values.map((value, i) => value + b.values[i]!) });
const scaled = (a: Matrix, factor: number): Matrix => ({ ...a, values: a.values.map((value) => value * factor) });
const matrix = (site: string, rows: number, columns: number): Matrix => ({
  rows,
  columns,
  values: Float64Array.from(rows * columns === 0 ? [] : host(site, [rows, columns], 0.3).data),
});

function logSumExp(values: Float64Array): number {
  const most = values.reduce((a, b) => Math.max(a, b));
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
}

const tensorOf = ({ rows, columns, values }: Matrix): Tensor2D =>
  tf.tensor2d(Float32Array.from(values), [rows, columns], 'float32');

/** A frozen weight kept in bf16. */
function frozen(x: Matrix): Tensor2D {
  const bits = new Uint32Array(Float32Array.from(rounded(x).values).buffer);
  const words = Uint16Array.from(bits, (word) => word >>> 16);
  return frozenTensor([x.rows, x.columns], bf16, new Uint8Array(words.buffer)) as Tensor2D;
}

function expectClose(got: Tensor, expected: Matrix, tolerance: number): void {
  expect(got.size).toBe(expected.values.length);
  expect(worst(got.dataSync() as Float32Array, expected)).toBeLessThan(tolerance);
}

/** Largest difference, as a share of 1 + the largest value. */
function worst(got: Float32Array, { values }: Matrix): number {
  const scale = 1 + values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return values.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]!) / scale), 0);
}
