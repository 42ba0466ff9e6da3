// SPDX-License-Identifier: Apache-2.0
/** What decoding runs: few rows, few queries, the choice of a token. The same bits as the kernels of many rows give. */
import { uniforms } from '@llmf/core';
import {
  attention,
  f16,
  bf16,
  frozenWeight,
  grads,
  linear,
  logitsOf,
  sampleTokens,
  selectedLogProbs,
  spansOf,
  tf,
  type AttentionSpan,
  type LowRank,
  type Model,
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type WeightFormat,
} from '@llmf/nn';
import { fp4, int8, nf4 } from '@llmf/quantization';
import { host } from '@llmf/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNativeBackend } from '../src/backend/start.js';

const formats: readonly (readonly [string, WeightFormat | null, Record<string, unknown>])[] = [
  ['f32', null, {}],
  ['bf16', bf16, {}],
  ['f16', f16, {}],
  ['nf4', nf4, { blockSize: 64, doubleQuantization: true }],
  ['fp4', fp4, { blockSize: 64, doubleQuantization: false }],
  ['int8', int8, {}],
];

/** Rows of a product that many share, each of which must be as it is among few. */
const many = 140;

export function describeFewRows(start: () => Promise<void>): void {
  describe.each(['f32', 'bf16'] as const)('few rows, computing in %s', (precision) => {
    beforeAll(async () => void (await startNativeBackend({ threads: 2, sharedFrom: 0, precision })));
    afterAll(start);

    it.each(formats)('of a product with a weight in %s are as among many', (name, format, options) => {
      for (let draw = 0; draw < 6; draw++) {
        // The last two: whole blocks and words in rows of several passes, and in rows that end within eight words.
        const [inputs, outputs, rank, bias] =
          draw >= 4 ? [draw === 4 ? 1279 : 1247, 130, 4, 1] : drawn(`${name} ${draw}`, [1100, 150, 12, 2]);
        const weight = weightOf(format, options, [outputs! + 1, inputs! + 1]);
        const x = tensor('x', [many, inputs! + 1]);
        const [a, b] = [tensor('a', [rank!, inputs! + 1]), tensor('b', [outputs! + 1, rank!])];
        const given = {
          ...(bias === 0 ? {} : { bias: tf.tensor1d(host('bias', [outputs! + 1]).data) }),
          ...(rank === 0 ? {} : { lowRank: { a, b, scale: 0.5, dropout: 0 } as unknown as LowRank }),
        };
        const whole = linear(x, weight, given);
        for (const count of [1, 2, 3, 7, 9, 12, 16, 17, 33, 48, 64, 65]) {
          const first = draw + count;
          const some = linear(tf.slice(x, [first, 0], [count, -1]), weight, given);
          expectSame(
            some,
            tf.slice(whole, [first, 0], [count, -1]),
            `${count} rows, k ${inputs}, n ${outputs}, r ${rank}`,
          );
        }
        tf.disposeVariables();
      }
    });

    it.each([
      ['one query a segment', 1],
      ['three queries a segment', 3],
    ])('attention of %s to long prefixes is as among all queries', (_, last) => {
      for (const [prompt, window, heads, groups, size] of [
        [500, 0, 6, 2, 48],
        [37, 0, 4, 4, 17],
        [800, 90, 3, 1, 64],
      ] as const) {
        const lengths = [prompt, 21, 33];
        const tokens = lengths.reduce((sum, length) => sum + length, 0);
        const [q, k, v] = [heads, groups, groups].map((count, i) => values3d(`${i}`, [tokens, count, size]));
        const spans = spansOf([
          { start: 0, length: prompt },
          { start: prompt, length: 21, ...(window === 0 ? { prefix: 0 } : {}) },
          { start: prompt + 21, length: 33, ...(window === 0 ? { prefix: 0 } : {}) },
        ]);
        const softCap = heads === groups ? 2 : 0;
        const whole = attention(q!, k!, v!, { spans, window, softCap });
        const rows = spans.flatMap(({ queryStart, queryLength }) =>
          Array.from({ length: last }, (_value, i) => queryStart + queryLength - last + i),
        );
        const few: AttentionSpan[] = spans.map((span, i) => ({ ...span, queryStart: i * last, queryLength: last }));
        const some = attention(tf.gather(q!, rows), k!, v!, { spans: few, window, softCap });
        expectSame(some, tf.gather(whole, rows), `prompt ${prompt}, window ${window}`);
      }
    });

    it('log-probs of chosen tokens have the bits of selectedLogProbs', async () => {
      for (const [count, inputs, vocabulary] of [
        [3, 70, 9001],
        [16, 33, 127],
        [20, 900, 4097],
      ] as const) {
        const head = weightOf(precision === 'bf16' ? bf16 : null, {}, [vocabulary, inputs]);
        const hidden = tensor('hidden', [count, inputs]);
        const draws = uniforms({ seed: 3, stream: 'few-rows', step: 0, microbatch: 0 }, 'draws', count);
        const { ids, logProb } = sampleTokens(linear(hidden, head), draws, { topP: 0.9, temperature: 2 });
        const rows = Int32Array.from({ length: count }, (_, row) => row);
        const targets = Int32Array.from(await ids.data());
        const expected = selectedLogProbs(hidden, head, rows, targets).logProb;
        expectSame(logProb, expected, `${count} rows of ${vocabulary}`);
        const model = { head: { weight: head, bias: null, softCap: 1.5 } } as unknown as Model;
        const capped = sampleTokens(logitsOf(model, hidden, rows), draws);
        const chosen = Int32Array.from(await capped.ids.data());
        const cappedToo = selectedLogProbs(hidden, head, rows, chosen, { softCap: 1.5 }).logProb;
        expectSame(capped.logProb, cappedToo, `${count} capped rows of ${vocabulary}`);
        const logProbs = (h: Tensor) => tf.sum(selectedLogProbs(h as Tensor2D, head, rows, targets).logProb) as Scalar;
        const recorded = grads(logProbs)([hidden]).value; // by the kernel that gives the slope as well
        expectSame(recorded, tf.sum(expected), `${count} recorded rows of ${vocabulary}`);
      }
    });
  });
}

/** Numbers below their limits, another set for each site. */
const drawn = (site: string, limits: readonly number[]): number[] =>
  [...uniforms({ seed: 1, stream: 'few-rows', step: 0, microbatch: 0 }, site, limits.length)].map((value, i) =>
    Math.floor(value * limits[i]!),
  );

function weightOf(format: WeightFormat | null, options: Record<string, unknown>, shape: [number, number]): Tensor2D {
  const { data } = host('w', shape, 0.1);
  if (format === null) return tf.tensor2d(data, shape);
  return frozenWeight({ format, shape, parts: format.pack(Float32Array.from(data), shape, options) }) as Tensor2D;
}

const tensor = (site: string, shape: [number, number]): Tensor2D =>
  tf.tensor2d(shape.includes(0) ? new Float32Array(0) : host(site, shape, 0.3).data, shape);

const values3d = (site: string, shape: [number, number, number]): Tensor3D =>
  tf.tensor3d(host(site, shape).data, shape);

function expectSame(got: Tensor, expected: Tensor, what: string): void {
  const [some, others] = [got.dataSync(), expected.dataSync()];
  expect(some.length).toBeGreaterThan(0);
  const wrong = some.findIndex((value, i) => !Object.is(value, others[i]));
  expect(wrong === -1 ? 'the same' : `${what}: ${some[wrong]} instead of ${others[wrong]} at ${wrong}`).toBe(
    'the same',
  );
}
