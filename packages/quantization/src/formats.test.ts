// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { signedCodes, type WeightFormat, type WeightPart } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import { fourBitOptions, fp4, nf4 } from './four-bit.js';
import { int8 } from './int8.js';

type Digests = Readonly<Record<string, string>>;
interface Case {
  readonly shape: readonly [number, number];
  readonly values: string | null;
  readonly nf4: Digests;
  readonly fp4: Digests;
  readonly int8: Digests;
}
/** Written by oracles/quantization/make_fixtures.py: sha256 of what bitsandbytes gives. */
const fixture = JSON.parse(readFileSync(new URL('../fixtures/bitsandbytes.json', import.meta.url), 'utf8')) as {
  readonly dynamicBook: string;
  readonly cases: Readonly<Record<string, Case>>;
};
const cases = Object.entries(fixture.cases);

const digest = (part: WeightPart) =>
  createHash('sha256')
    .update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
    .digest('hex');

/** Where the fixture leaves them out: the upper half of i · 2654435761, as −1 … 1. */
function valuesOf({ values, shape: [rows, columns] }: Case): Float32Array {
  if (values !== null) return new Float32Array(Uint8Array.from(Buffer.from(values, 'base64')).buffer);
  return Float32Array.from({ length: rows * columns }, (_, i) => (Math.imul(i, 2_654_435_761) >>> 16) / 32_768 - 1);
}

function expandedBy(format: WeightFormat, one: Case, options: Record<string, unknown>, from = 0, to = one.shape[0]) {
  const parts = format.pack(valuesOf(one), one.shape, options);
  const into = new Float32Array((to - from) * one.shape[1]);
  format.expand({ format, shape: one.shape, parts }, from, to, into);
  return { parts, into };
}

it('has fixtures of hostile matrices', () => expect(cases.map(([name]) => name)).toHaveLength(8));

it("the dynamic code book is bitsandbytes' to the bit", () =>
  expect(digest(signedCodes.book)).toBe(fixture.dynamicBook));

describe.each([nf4, fp4])('$name', (format) => {
  const name = format.name as 'nf4' | 'fp4';

  it.each(cases)("%s: codes, scales and values are bitsandbytes' to the bit", (_, one) => {
    const { parts, into } = expandedBy(format, one, { blockSize: 64, doubleQuantization: false });
    const expected = one[name];
    expect(digest(parts['codes']!)).toBe(expected['codes']);
    expect(digest(parts['scales']!)).toBe(expected['scales']);
    expect(digest(into)).toBe(expected['expanded']);
  });

  it.each(cases)('%s: scales in 8 bits are the nearest dynamic values, expanded as bitsandbytes does', (_, one) => {
    const { parts, into } = expandedBy(format, one, { blockSize: 64, doubleQuantization: true });
    for (const part of ['scaleCodes', 'nestedScales', 'scaleOffset'])
      expect(digest(parts[part]!), part).toBe(one[name][part]);
    expect(digest(into)).toBe(one[name]['expandedNested']);
  });

  it.each(cases)('%s: any rows alone are those of the whole', (_, one) => {
    const options = fourBitOptions.parse({});
    const [rows, columns] = one.shape;
    const whole = expandedBy(format, one, options).into;
    const last = expandedBy(format, one, options, rows - 1, rows).into;
    expect(last).toEqual(whole.subarray((rows - 1) * columns));
  });

  it.each(cases)('%s: takes the bytes that it says', (_, one) => {
    for (const doubleQuantization of [true, false]) {
      const options = fourBitOptions.parse({ doubleQuantization });
      const { parts } = expandedBy(format, one, options);
      const bytes = Object.values(parts).reduce((sum, { byteLength }) => sum + byteLength, 0);
      expect(bytes).toBe(format.bytes(one.shape, options));
    }
  });

  it('takes at most 0.55 bytes a weight of a layer of Qwen2.5-1.5B', () => {
    expect(format.bytes([8960, 1536], fourBitOptions.parse({})) / (8960 * 1536)).toBeLessThan(0.52);
  });

  it('refuses another block size', () => {
    expect(fourBitOptions.safeParse({ blockSize: 48 }).success).toBe(false);
  });
});

describe('int8', () => {
  it('keeps denormals within half a step, where bitsandbytes overflows', () => {
    const one = fixture.cases['denormals']!;
    const { parts, into } = expandedBy(int8, one, {});
    const scales = parts['scales'] as Float32Array;
    valuesOf(one).forEach((value, i) => {
      expect(Math.abs(value - into[i]!)).toBeLessThanOrEqual(scales[Math.floor(i / one.shape[1])]! / 254 + 2e-45);
    });
  });

  it.each(cases.filter(([name]) => name !== 'denormals'))(
    "%s: codes, scales and values are bitsandbytes' to the bit",
    (_, one) => {
      const { parts, into } = expandedBy(int8, one, {});
      expect(digest(parts['codes']!)).toBe(one.int8['codes']);
      expect(digest(parts['scales']!)).toBe(one.int8['scales']);
      expect(digest(into)).toBe(one.int8['expanded']);
      const bytes = Object.values(parts).reduce((sum, { byteLength }) => sum + byteLength, 0);
      expect(bytes).toBe(int8.bytes(one.shape, {}));
    },
  );
});
