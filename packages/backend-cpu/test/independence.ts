// SPDX-License-Identifier: Apache-2.0
import {
  attention,
  grads,
  linear,
  rmsNorm,
  selectedLogProbs,
  spansOf,
  tf,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
} from '@llmf/nn';
import type { Segment } from '@llmf/core';
import { host } from '@llmf/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { startNativeBackend } from '../src/backend/start.js';

/** A row's bits depend neither on the rows beside it, nor on its place in the pack, nor on the threads. */
export function describeIndependence(start: () => Promise<void>): void {
  describe('the bits of a row', () => {
    beforeAll(start);

    it.each([
      ['linear', 450, (x: Tensor2D) => linear(x, tensor('w', [70, 450]) as Tensor2D, lowRankOf(450, 70))],
      ['linear with a long sum', 1500, (x: Tensor2D) => linear(x, tensor('w', [33, 1500]) as Tensor2D)],
      ['rmsNorm', 450, (x: Tensor2D) => rmsNorm(x, tensor('w', [450]) as Tensor1D, 1e-5)],
      ['softmax', 450, (x: Tensor2D) => tf.softmax(x)],
    ] as const)('of %s do not depend on its neighbours or their number', (_name, columns, run) => {
      const rows = 301;
      tf.tidy(() => {
        const x = tensor('x', [rows, columns]) as Tensor2D;
        const whole = run(x);
        for (const [first, count] of [
          [0, 1],
          [5, 1],
          [13, 25],
          [290, 11],
        ] as const) {
          const alone = run(tf.slice(x, [first, 0], [count, columns]));
          expectSameBits(alone, tf.slice(whole, [first, 0], [count, whole.shape[1]!]));
        }
      });
    });

    it('of selectedLogProbs do not depend on the other selected rows', () => {
      tf.tidy(() => {
        const hidden = tensor('h', [130, 48]) as Tensor2D;
        const head = tensor('v', [5000, 48]) as Tensor2D;
        const rows = Int32Array.from({ length: 120 }, (_, i) => i + 3);
        const targets = rows.map((row) => (row * 37) % 5000);
        const whole = selectedLogProbs(hidden, head, rows, targets, { entropy: true });
        const some = selectedLogProbs(hidden, head, rows.slice(40, 47), targets.slice(40, 47), { entropy: true });
        expectSameBits(some.logProb, tf.slice(whole.logProb, 40, 7));
        expectSameBits(some.entropy!, tf.slice(whole.entropy!, 40, 7));
      });
    });

    it('of attention and its gradient do not depend on where the segment lies, nor on others in the pack', () => {
      const length = 150;
      const others: readonly Segment[] = [
        { start: 0, length: 7 },
        { start: 7, length: 61 },
      ];
      const place = 68;
      const alone = attend(place, length, [{ start: 0, length }], (x) => tf.slice(x, place, length));
      const packed = attend(place, length, [...others, { start: place, length }], (x) => x);
      for (const [index, value] of packed.entries()) {
        const mine = tf.slice(value, [place, 0, 0], [length, value.shape[1], value.shape[2]]);
        expectSameBits(mine, alone[index]!);
        mine.dispose();
      }
      tf.dispose([...alone, ...packed]);
    });

    it('do not depend on the number of threads', async () => {
      const results: Tensor[][] = [];
      for (const threads of [1, 2, 3]) {
        await startNativeBackend({ threads });
        const values = attend(
          0,
          218,
          [
            { start: 0, length: 100 },
            { start: 100, length: 118, prefix: 0 },
          ],
          (x) => x,
        );
        results.push([...values, ...tf.tidy(linearGradients)]);
      }
      for (const [index, first] of results[0]!.entries()) {
        for (const other of results.slice(1)) expectSameBits(other[index]!, first);
      }
      tf.dispose(results);
      await start();
    });
  });
}

/** [out, dq, dk, dv] of segments over the rows that `pick` leaves of a pack of place + length rows. */
function attend(
  place: number,
  length: number,
  segments: readonly Segment[],
  pick: (x: Tensor3D) => Tensor3D,
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
    const loss = (...[a, b, c]: Tensor[]) =>
      tf.sum(tf.mul(attention(a as Tensor3D, b as Tensor3D, c as Tensor3D, { spans }), dy)) as tf.Scalar;
    return [attention(q!, k!, v!, { spans }), ...grads(loss)([q!, k!, v!]).gradients] as Tensor3D[];
  });
}

function linearGradients(): Tensor[] {
  const x = tensor('x', [700, 90]) as Tensor2D;
  const { lowRank } = lowRankOf(90, 60);
  const loss = (...[a, w]: Tensor[]) =>
    tf.sum(tf.square(linear(a as Tensor2D, w as Tensor2D, { lowRank }))) as tf.Scalar;
  return grads(loss)([x, tensor('w', [60, 90])]).gradients;
}

const lowRankOf = (inputs: number, outputs: number) => ({
  lowRank: {
    a: tensor('a', [8, inputs]) as unknown as tf.Variable,
    b: tensor('b', [outputs, 8]) as unknown as tf.Variable,
    scale: 0.5,
    dropout: 0,
  },
});

function tensor(site: string, shape: readonly number[]): Tensor {
  return tf.tensor(host(site, shape).data, [...shape], 'float32');
}

function expectSameBits(got: Tensor, expected: Tensor): void {
  const [a, b] = [got, expected].map((x) => new Uint32Array(Float32Array.from(x.dataSync()).buffer)) as [
    Uint32Array,
    Uint32Array,
  ];
  expect(a.length).toBe(b.length);
  expect(a.findIndex((value, i) => value !== b[i])).toBe(-1);
}
