// SPDX-License-Identifier: Apache-2.0
// Ids equal those of the Rust library; the fixture is made by oracles/data/tokenizer_ids.py.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Json } from './json.js';
import { TokenPipeline } from './token-pipeline.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const sharedTokenizers = join(process.env['LLMF_TEST_DATA'] ?? join(root, '..', 'shared', 'data'), 'tokenizers');

interface Fixture {
  readonly count: number;
  readonly block: number;
  readonly pieces: readonly string[];
  readonly ranges: readonly (readonly [number, number])[];
  readonly shared: Readonly<Record<string, readonly string[]>>;
  readonly smallTexts: readonly string[];
  readonly small: Readonly<Record<string, { file: Json; ids: number[][]; texts: string[] | null }>>;
}

const fixture = JSON.parse(readFileSync(new URL('../../fixtures/tokenizers.json', import.meta.url), 'utf8')) as Fixture;

describe('each part of tokenizer.json', () => {
  it.each(Object.keys(fixture.small))('gives the ids of the Rust library: %s', (name) => {
    const { file, ids, texts } = fixture.small[name] as Fixture['small'][string];
    const pipeline = new TokenPipeline(file, []);
    const encoded = fixture.smallTexts.map((text) => [text, pipeline.encode(text)]);
    expect(encoded).toEqual(fixture.smallTexts.map((text, at) => [text, ids[at]]));
    if (texts !== null) expect(ids.map((each) => pipeline.decode(each, { skipSpecialTokens: false }))).toEqual(texts);
  });

  it('was asked about at least 60 small tokenizers', () => {
    expect(Object.keys(fixture.small).length).toBeGreaterThanOrEqual(60);
  });
});

describe.skipIf(!existsSync(sharedTokenizers))('each tokenizer of the shared test data', () => {
  it.each(Object.keys(fixture.shared))('gives the ids of the Rust library for 5,000 strings: %s', (name) => {
    const file = JSON.parse(readFileSync(`${sharedTokenizers}/${name}/tokenizer.json`, 'utf8')) as Json;
    const pipeline = new TokenPipeline(file, []);
    const lines = strings(fixture.count, 1).map((text) => pipeline.encode(text).join());
    const blocks = (fixture.shared[name] as readonly string[]).map((_, at) =>
      hash(lines.slice(at * fixture.block, (at + 1) * fixture.block)),
    );
    expect(lines).toHaveLength(5000);
    expect(blocks).toEqual(fixture.shared[name]);
  });
});

const hash = (lines: readonly string[]) => createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 16);

/** The strings of the oracle, by the same generator: Park and Miller's, state · 48271 modulo 2³¹ − 1. */
function strings(count: number, seed: number): string[] {
  let state = seed;
  const draw = (below: number) => (state = (state * 48271) % 2147483647) % below;
  return Array.from({ length: count }, () => {
    let text = '';
    for (let parts = 1 + draw(16); parts > 0; parts--) {
      if (draw(4) > 0) text += fixture.pieces[draw(fixture.pieces.length)] as string;
      else {
        const [first, last] = fixture.ranges[draw(fixture.ranges.length)] as readonly [number, number];
        for (let left = 1 + draw(3); left > 0; left--) text += String.fromCodePoint(first + draw(last - first + 1));
      }
      if (draw(3) === 0) text += ' ';
    }
    return text;
  });
}
