// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, describe, it } from 'vitest';
import { ggufBlocks } from './gguf-blocks.js';

/** Written by oracles/models/gguf_files.py: what the gguf package packs and expands. */
const fixture = JSON.parse(readFileSync(new URL('../fixtures/gguf.json', import.meta.url), 'utf8')) as {
  readonly values: string;
  readonly formats: Readonly<Record<string, { readonly blocks: string; readonly expanded: string }>>;
};
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));
const values = new Float32Array(bytesOf(fixture.values).buffer);
const shape = [4, 256] as const;
const digest = (floats: Float32Array) =>
  createHash('sha256')
    .update(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength))
    .digest('hex');

it('has a fixture of every format', () => {
  expect(Object.keys(fixture.formats).sort()).toEqual(ggufBlocks.map(({ name }) => name).sort());
});

describe.each(ggufBlocks.map((format) => [format.name, format] as const))('%s', (name, format) => {
  const { blocks, expanded } = fixture.formats[name]!;
  const weight = { format, shape, parts: { blocks: bytesOf(blocks) } };

  it('expands to the bits of the gguf package', () => {
    const into = new Float32Array(values.length);
    format.expand(weight, 0, 4, into);
    // Its K formats have four blocks of 256 weights, a row each.
    expect(digest(into)).toBe(expanded);
  });

  it('expands any rows alone as within the whole', () => {
    const [whole, last] = [new Float32Array(values.length), new Float32Array(256)];
    format.expand(weight, 0, 4, whole);
    format.expand(weight, 3, 4, last);
    expect(last).toEqual(whole.subarray(3 * 256));
  });

  it('takes the bytes that it says', () => {
    expect(format.bytes(shape, {})).toBe(weight.parts.blocks.length);
    expect((format.blocks!.bytes * 1024) / format.blocks!.weights).toBe(weight.parts.blocks.length);
  });

  it.runIf(format.refuses!(shape, {}) === null)('packs to the bytes of the gguf package', () => {
    expect(format.pack(values, shape, {})['blocks']).toEqual(weight.parts.blocks);
    expect(format.refuses!([4, 48], {})).toMatch('no whole blocks of 32');
  });
});

it('packs three formats and reads the others', () => {
  const made = ggufBlocks.filter(({ refuses }) => refuses!(shape, {}) === null).map(({ name }) => name);
  expect(made).toEqual(['q8_0', 'q4_0', 'q4_1']);
});
