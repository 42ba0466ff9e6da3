// SPDX-License-Identifier: Apache-2.0
import {
  attention,
  bf16,
  frozenTensor,
  grads,
  spansOf,
  tf,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Segment,
} from '@llmf/nn';
import type { Precision } from '@llmf/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startNativeBackend } from '../src/backend/start.js';
import {
  productOps,
  rowInputs,
  rowOps,
  rows,
  stepOps,
  tensor,
  values,
  weightShapes,
  weightedSum,
  type RowOp,
  type Weights,
} from './independence-cases.js';

const precisions = ['f32', 'bf16'] as const;

/** First row and number of rows that are computed alone. */
const pieces = [
  [0, 1],
  [5, 1],
  [13, 25],
  [290, 11],
] as const;

/** A row's bits depend neither on the rows beside it, nor on its place in the pack, nor on the threads. */
export function describeIndependence(start: () => Promise<void>): void {
  describe('the bits of a row', () => {
    beforeAll(start);

    it.each(
      rowOps.flatMap((op) =>
        (op.readsWeights === true ? precisions : (['f32'] as const)).map(
          (precision) => [op.name, precision, op] as const,
        ),
      ),
    )(
      'of %s in %s, and of its gradient, do not depend on its neighbours or their number',
      async (_name, precision, op) => {
        await startNativeBackend({ threads: 2, sharedFrom: 0, precision });
        withWeights(precision, (weights) => {
          const whole = rowsOf(op, weights, 0, rows);
          expect(whole.length).toBeGreaterThan(op.constant?.length === Object.keys(op.inputs).length ? 1 : 0);
          for (const [first, count] of pieces) {
            for (const [i, alone] of rowsOf(op, weights, first, count).entries()) {
              const { shape } = whole[i]!;
              const rest = shape.slice(1);
              const mine = tf.slice(whole[i]!, [first, ...rest.map(() => 0)], [count, ...rest]);
              expectSameBits(alone, mine, `result ${i} of rows ${first} to ${first + count}`);
            }
          }
        });
        await start();
      },
    );

    it.each(
      (
        [
          ['causal', {}],
          ['in a window', { window: 40 }],
          ['not causal', { causal: false }],
          ['under a soft cap', { softCap: 1.5 }],
        ] as const
      ).flatMap(([name, options]) => precisions.map((precision) => [name, precision, options] as const)),
    )(
      'of attention, %s, in %s, and its gradient do not depend on where the segment lies, nor on others in the pack',
      async (_name, precision, options) => {
        await startNativeBackend({ threads: 2, sharedFrom: 0, precision });
        const [place, length] = [68, 150];
        const others: readonly Segment[] = [
          { start: 0, length: 7 },
          { start: 7, length: 61 },
        ];
        expectSamePlaces(place, length, [{ start: 0, length }], [...others, { start: place, length }], options);
        await start();
      },
    );

    it.each(precisions)(
      'of attention to a prefix in %s and its gradient do not depend on where prompt and answers lie',
      async (precision) => {
        await startNativeBackend({ threads: 2, sharedFrom: 0, precision });
        const [place, prompt, first, second] = [68, 60, 31, 44];
        const group = (start: number, index: number): Segment[] => [
          { start, length: prompt },
          { start: start + prompt, length: first, prefix: index },
          { start: start + prompt + first, length: second, prefix: index },
        ];
        const packed = [{ start: 0, length: place }, ...group(place, 1)];
        expectSamePlaces(place, prompt + first + second, group(0, 0), packed, {});
        await start();
      },
    );
  });

  describe('the bits of a step', () => {
    beforeAll(start);

    it.each(
      Object.keys(stepOps).flatMap((name) =>
        (productOps.has(name) ? precisions : (['f32'] as const)).map((precision) => [name, precision] as const),
      ),
    )('%s in %s: values and all gradients are the same on 1, 2 and 3 threads', async (name, precision) => {
      const results: Tensor[][] = [];
      for (const threads of [1, 2, 3]) {
        await startNativeBackend({ threads, sharedFrom: 0, precision });
        results.push(withWeights(precision, (weights) => stepOps[name]!(weights)));
      }
      for (const [index, first] of results[0]!.entries()) {
        for (const other of results.slice(1)) expectSameBits(other[index]!, first, `result ${index}`);
      }
      tf.dispose(results);
      await start();
    });
  });
}

/** Outputs of rows [first, first + count), and the gradients of Σ outputs ∘ fixed rows by the rows. */
function rowsOf(op: RowOp, weights: Weights, first: number, count: number): Tensor[] {
  const part = (x: Tensor) => tf.slice(x, [first, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]);
  const given = Object.fromEntries(Object.entries(rowInputs(op)).map(([name, x]) => [name, part(x)]));
  const results = op.run(given, weights);
  const names = Object.keys(given).filter((name) => op.constant?.includes(name) !== true);
  if (names.length === 0) return results;
  const loss = (...tensors: Tensor[]) => {
    const named = { ...given, ...Object.fromEntries(names.map((name, i) => [name, tensors[i]!])) };
    return weightedSum(op.run(named, weights), (output, i) =>
      part(tensor(`dy ${i}`, [rows, ...output.shape.slice(1)])),
    );
  };
  return [...results, ...grads(loss)(names.map((name) => given[name]!)).gradients];
}

const packed: Record<string, Uint16Array<ArrayBuffer>> = {};

/** Frozen weights of the precision: bf16 words, or float32. */
function withWeights<T extends tf.TensorContainer | void>(precision: Precision, act: (weights: Weights) => T): T {
  const entries = Object.entries(weightShapes).map(([name, shape]) => {
    const data = values(name, shape, 0.3);
    if (precision === 'f32') return [name, tf.tensor(data.slice(), [...shape])] as const;
    const words = (packed[name] ??= Uint16Array.from(new Uint32Array(data.slice().buffer), (bits) => bits >>> 16));
    return [name, frozenTensor([...shape], bf16, new Uint8Array(words.buffer))] as const;
  });
  const weights = Object.fromEntries(entries) as Record<string, Tensor2D> as unknown as Weights;
  try {
    return tf.tidy(() => act(weights) as tf.TensorContainer) as T;
  } finally {
    tf.dispose(entries.map(([, weight]) => weight));
  }
}

interface Visibility {
  readonly window?: number;
  readonly softCap?: number;
  readonly causal?: boolean;
}

/** The rows from `place` on: alone, and behind others. */
function expectSamePlaces(
  place: number,
  length: number,
  ownSegments: readonly Segment[],
  allSegments: readonly Segment[],
  options: Visibility,
): void {
  const alone = attend(place, length, ownSegments, (x) => tf.slice(x, place, length), options);
  const packed = attend(place, length, allSegments, (x) => x, options);
  for (const [index, value] of packed.entries()) {
    const mine = tf.slice(value, [place, 0, 0], [length, value.shape[1], value.shape[2]]);
    expectSameBits(mine, alone[index]!, `result ${index}`);
    mine.dispose();
  }
  tf.dispose([...alone, ...packed]);
}

/** [out, dq, dk, dv] of segments over the rows that `pick` leaves of a pack of place + length rows. */
function attend(
  place: number,
  length: number,
  segments: readonly Segment[],
  pick: (x: Tensor3D) => Tensor3D,
  options: Visibility,
): Tensor3D[] {
  const total = place + length;
  return tf.tidy(() => {
    const inputs = [
      ['q', 4],
      ['k', 2],
      ['v', 2],
    ] as const;
    const [q, k, v] = inputs.map(([name, heads]) => pick(tensor(name, [total, heads, 24]) as Tensor3D));
    const dy = pick(tensor('dy', [total, 4, 24]) as Tensor3D);
    const spans = spansOf(segments);
    const run = (...[a, b, c]: Tensor[]) =>
      attention(a as Tensor3D, b as Tensor3D, c as Tensor3D, { spans, ...options });
    const loss = (...tensors: Tensor[]) => weightedSum([run(...tensors)], () => dy);
    return [run(q!, k!, v!), ...grads(loss)([q!, k!, v!]).gradients] as Tensor3D[];
  });
}

function expectSameBits(got: Tensor, expected: Tensor, what: string): void {
  const [a, b] = [got, expected].map((x) => new Uint32Array(Float32Array.from(x.dataSync()).buffer)) as [
    Uint32Array,
    Uint32Array,
  ];
  expect(a.length, what).toBe(b.length);
  expect(a.length, what).toBeGreaterThan(0);
  expect(
    a.findIndex((value, i) => value !== b[i]),
    what,
  ).toBe(-1);
}
