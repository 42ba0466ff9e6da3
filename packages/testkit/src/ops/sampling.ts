// SPDX-License-Identifier: Apache-2.0
import { sampleTokens, tf, type SampleTokensOptions, type Tensor2D } from '@llmf/nn';
import { uniforms } from '@llmf/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { near } from './near.js';
import { host } from './op-case.js';

/** One row of a vocabulary beyond a vector, one beyond a block of sums. */
const sizes = [5, 70, 1500] as const;
const rows = 24;

const settings: readonly (readonly [string, SampleTokensOptions])[] = [
  ['of all tokens', {}],
  ['with temperature', { temperature: 0.6 }],
  ['the likeliest', { temperature: 0 }],
  ['from the k likeliest', { topK: 3 }],
  ['from the nucleus', { topP: 0.8 }],
  ['from those likely enough', { minP: 0.2 }],
  ['with all limits', { temperature: 1.4, topK: 40, topP: 0.9, minP: 0.02, repetitionPenalty: 1.3 }],
];

/** Contract of the choice of tokens: the very choices of plain loops in float64, and the log-probs of log-softmax. */
export function describeSampling(start: () => Promise<void>, tolerance: number): void {
  describe('sampleTokens', () => {
    beforeAll(start);

    it.each(sizes.flatMap((size) => settings.map(([name, options]) => [name, size, options] as const)))(
      'chooses %s among %i, as plain loops do',
      async (name, size, options) => {
        const logits = host(`logits ${name}`, [rows, size], 2);
        const draws = uniforms({ seed: 1, stream: 'sampling', step: size, microbatch: 0 }, name, rows);
        const seen = Array.from({ length: rows }, (_, row) => [row % size, (row * 7) % size, row % size]);
        const banned = Array.from({ length: rows }, (_, row) => (row % 3 === 0 ? [(row * 11) % size] : []));
        const rowOf = (row: number) => Array.from(logits.data.slice(row * size, (row + 1) * size));
        const before = tf.memory().numTensors;
        const given = tf.tensor2d(logits.data, [rows, size]);
        const { ids, logProb } = sampleTokens(given, draws, { ...options, seen, banned });
        const [chosen, values] = [await ids.data(), await logProb.data()];
        const expected = Array.from({ length: rows }, (_, row) =>
          plainChoice(rowOf(row), draws[row]!, options, seen[row]!, banned[row]!),
        );
        expect([...chosen]).toEqual(expected);
        const logP = expected.map((id, row) => logSoftmax(rowOf(row))[id]!);
        near(
          { shape: [rows], data: values as Float32Array },
          { shape: [rows], data: Float32Array.from(logP) },
          tolerance,
          'logProb',
        );
        tf.dispose([given, ids, logProb]);
        expect(tf.memory().numTensors).toBe(before);
      },
    );

    it('gives −1 where logits are not numbers, or nothing is left', async () => {
      const given = tf.tensor2d([1, Number.NaN, 2, 3, 1, 2, 0, Infinity, 1], [3, 3]);
      const { ids, logProb } = sampleTokens(given, new Float32Array(3), { banned: [[], [0, 1, 2], []] });
      expect([...(await ids.data())]).toEqual([-1, -1, -1]);
      tf.dispose([given, ids, logProb]);
    });

    it('never chooses a token without probability, however a draw falls', async () => {
      const last = 1 - 2 ** -24;
      const given = tf.tensor2d([0, 0, 0, 0, 9, 0, 0, 0], [2, 4]);
      const { ids, logProb } = sampleTokens(given, Float32Array.of(last, 0), { banned: [[3], [0]] });
      expect([...(await ids.data())]).toEqual([2, 1]);
      tf.dispose([given, ids, logProb]);
    });

    it('refuses draws and tokens out of range', () => {
      const given = tf.zeros([1, 3]) as Tensor2D;
      expect(() => sampleTokens(given, Float32Array.of(1))).toThrow(/LLMF_NN_VALUE: sampleTokens: draws/);
      expect(() => sampleTokens(given, new Float32Array(2))).toThrow(/LLMF_NN_SHAPE: sampleTokens: logits/);
      expect(() => sampleTokens(given, new Float32Array(1), { seen: [[3]] })).toThrow(
        /LLMF_NN_INDEX: sampleTokens: seen/,
      );
      given.dispose();
    });
  });
}

function logSoftmax(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const normalizer = most + Math.log(logits.reduce((sum, z) => sum + Math.exp(z - most), 0));
  return logits.map((z) => z - normalizer);
}

/** Transformers' processors one after the other, each as a filter of a list. */
function plainChoice(
  logits: readonly number[],
  draw: number,
  { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1 }: SampleTokensOptions,
  seen: readonly number[],
  banned: readonly number[],
): number {
  const penalized = (z: number) => (z < 0 ? z * repetitionPenalty : z / repetitionPenalty);
  const adjusted = logits.map((z, id) => (banned.includes(id) ? -Infinity : seen.includes(id) ? penalized(z) : z));
  const byLikelihood = adjusted.map((z, id) => ({ id, z })).sort((a, b) => b.z - a.z || a.id - b.id);
  if (temperature === 0) return byLikelihood[0]!.id;
  let left = byLikelihood.map(({ id, z }) => ({ id, p: Math.exp((z - byLikelihood[0]!.z) / temperature) }));
  const shares = () => {
    const total = left.reduce((sum, { p }) => sum + p, 0);
    return left.map(({ p }) => p / total);
  };
  if (topK > 0) left = left.slice(0, topK);
  if (topP < 1) {
    let sum = 0;
    const last = shares().findIndex((share) => (sum += share) >= topP);
    left = left.slice(0, last + 1);
  }
  left = left.filter(({ p }) => p >= minP);
  if (topK === 0 && topP === 1 && minP === 0) left.sort((a, b) => a.id - b.id);
  let rest = draw;
  const place = shares().findIndex((share) => (rest -= share) < 0);
  return left.at(place)!.id;
}
