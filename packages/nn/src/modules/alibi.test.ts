// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { alibi, alibiSlopes, type AlibiOptions } from './alibi.js';

const oracle = JSON.parse(readFileSync(new URL('../../fixtures/attention-bias.json', import.meta.url), 'utf8')) as {
  keys: number[];
} & Record<'bloom' | 'falcon', Record<string, number[][]>>;

/** [H][keys of the oracle] */
function biases(heads: number, options: AlibiOptions): number[][] {
  const { values } = alibi(alibiSlopes(heads), 1024, options);
  const all = values.dataSync();
  values.dispose();
  return Array.from({ length: heads }, (_, head) => oracle.keys.map((key) => all[head * 1024 + key]!));
}

describe('slopes of ALiBi', () => {
  it('are 2^(−8i/H) where H is a power of two', () => {
    expect([...alibiSlopes(8)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((i) => 2 ** -i));
  });
  it('are those of the power below and every other one of the power above elsewhere', () => {
    expect([...alibiSlopes(6)]).toEqual([2 ** -2, 2 ** -4, 2 ** -6, 2 ** -8, 2 ** -1, 2 ** -3]);
  });
});

describe('what scores gain', () => {
  it.each(Object.keys(oracle.bloom).map(Number))('is for %i heads what BLOOM adds, to 2e-7 of it', (heads) => {
    const got = biases(heads, {});
    for (const [head, expected] of oracle.bloom[heads]!.entries()) {
      for (const [at, value] of expected.entries())
        expect(Math.abs(got[head]![at]! - value)).toBeLessThanOrEqual(2e-7 * value);
    }
  });
  it.each(Object.keys(oracle.falcon).map(Number))('is for %i heads what Falcon adds, rounded to bf16', (heads) => {
    expect(biases(heads, { rounding: 'bf16' })).toEqual(oracle.falcon[heads]);
  });
  it('is multiplied by the factor after rounding', () => {
    expect(biases(12, { rounding: 'bf16', factor: 0.25 })).toEqual(
      oracle.falcon[12]!.map((row) => row.map((value) => value / 4)),
    );
  });
});
