// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { randomWords } from '@llmf/core';
import type { ResponseRole } from '@llmf/training';
import { temporaryFolder } from '../../test/tiny-tokenizers.js';
import { longestLength, storedTokens, type EncodedParts } from '../encode/encoded-parts.js';
import { decodeRecord, encodeRecord } from './record.js';
import { StoreWriter } from './store-writer.js';
import { TokenStore } from './token-store.js';

const roles: readonly ResponseRole[] = ['response', 'chosen', 'rejected', 'desirable', 'undesirable'];

function randomRow(seed: number): EncodedParts {
  const words = randomWords({ seed, stream: 'store', step: 0, microbatch: 0 }, 'row', 64);
  const ids = (length: number, salt: number) => Int32Array.from({ length }, (_, at) => words[(at + salt) % 64]! >>> 1);
  return {
    prompt: ids(words[0]! % 20, 3),
    responses: Array.from({ length: 1 + (words[1]! % 3) }, (_, answer) => {
      const length = 1 + (words[2 + answer]! % 17);
      return {
        ids: ids(length, answer),
        counted: Uint8Array.from({ length }, (__, at) => words[at]! & 1),
        role: roles[words[9]! % 5]!,
      };
    }),
    weight: words[10]! / 1e9,
    extras: { margin: words[11]! / 3e9 - 0.5, score: -words[12]! },
    media: words[13]! % 2 === 0 ? [] : [{ kind: 'image', value: 'ä.jpg' }],
  };
}

describe('records', () => {
  it('give back every row bit for bit', () => {
    for (let seed = 0; seed < 200; seed++) {
      const row = randomRow(seed);
      expect(decodeRecord(encodeRecord(row, ['margin', 'score']), ['margin', 'score'])).toEqual(row);
    }
  });

  it('take 4 bytes and one bit per token beside 32 bytes a row and 8 an answer', () => {
    const row: EncodedParts = {
      prompt: new Int32Array(100),
      responses: [{ ids: new Int32Array(80), counted: new Uint8Array(80), role: 'response' }],
      weight: 1,
      extras: {},
      media: [],
    };
    expect(encodeRecord(row, []).length).toBe(32 + 8 + 4 * 180 + 10);
  });
});

async function writeStore(folder: string, rows: readonly EncodedParts[], key = 'key'): Promise<void> {
  const writer = await StoreWriter.create(folder);
  const records = rows.map((row) => encodeRecord(row, ['margin', 'score']));
  for (const [at, record] of records.entries()) {
    const tokens = [storedTokens(rows[at]!)];
    await writer.add(
      { records: record, sizes: [record.length], tokens, longest: [longestLength(rows[at]!)], numbers: [at + 1] },
      at % 2,
    );
  }
  await writer.finish({
    key,
    seen: rows.length,
    extras: ['margin', 'score'],
    sources: ['a', 'b'],
    dropped: [],
    notices: ['n'],
  });
}

type Facts = Readonly<Record<string, unknown>>;

function changeFacts(folder: string, change: (facts: Facts) => Facts): void {
  const file = join(folder, 'facts.json');
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8')) as Facts)));
}

describe('TokenStore', () => {
  const rows = Array.from({ length: 50 }, (_, seed) => randomRow(seed));

  it('reads rows by number and knows their lengths and places', async () => {
    const folder = join(temporaryFolder(), 'deep', 'store');
    await writeStore(folder, rows);
    const store = (await TokenStore.open(folder, 'key'))!;
    expect(store.length).toBe(50);
    for (const at of [49, 0, 17]) expect(await store.row(at)).toEqual(rows[at]);
    expect(store.tokensOf(17)).toBe(storedTokens(rows[17]!));
    expect(store.longestOf(17)).toBe(longestLength(rows[17]!));
    expect(store.placeOf(17)).toEqual({ source: 'b', row: 18 });
    await store.close();
  });

  it.each([
    ['a flipped byte in the records', (folder: string) => flip(join(folder, 'rows.bin'))],
    ['records cut short', (folder: string) => truncateSync(join(folder, 'rows.bin'), 100)],
    ['a flipped byte in the index', (folder: string) => flip(join(folder, 'index.bin'))],
    ['broken facts', (folder: string) => writeFileSync(join(folder, 'facts.json'), '{"key": ')],
    [
      'facts without their notices',
      (folder: string) => changeFacts(folder, (facts) => ({ ...facts, notices: undefined })),
    ],
    ['facts of other types', (folder: string) => changeFacts(folder, (facts) => ({ ...facts, sources: 'a' }))],
    ['no facts', (folder: string) => writeFileSync(join(folder, 'facts.json'), '')],
  ])('is not opened with %s', async (_, damage) => {
    const folder = join(temporaryFolder(), 'store');
    await writeStore(folder, rows);
    damage(folder);
    expect(await TokenStore.open(folder, 'key')).toBeNull();
    // Building again replaces it.
    await writeStore(folder, rows);
    const store = await TokenStore.open(folder, 'key');
    expect(store?.length).toBe(50);
    await store?.close();
  });

  it.skipIf(process.platform === 'win32').each(['facts.json', 'index.bin', 'rows.bin'])(
    'is neither opened nor replaced while its %s cannot be read',
    async (name) => {
      const folder = join(temporaryFolder(), 'store');
      await writeStore(folder, rows);
      rmSync(join(folder, name));
      symlinkSync(name, join(folder, name));
      await expect(TokenStore.open(folder, 'key')).rejects.toThrow(/LLMF_DATA_CACHE_READ[^]*ELOOP/);
      await expect(writeStore(folder, rows)).rejects.toThrow(/LLMF_DATA_CACHE_READ/);
      expect(readdirSync(folder).toSorted()).toEqual(['facts.json', 'index.bin', 'rows.bin']);
    },
  );

  it('finished by two at once stands once, and neither fails', async () => {
    const parent = temporaryFolder();
    const folder = join(parent, 'store');
    await Promise.all(Array.from({ length: 4 }, () => writeStore(folder, rows)));
    const store = await TokenStore.open(folder, 'key');
    expect(store?.length).toBe(50);
    await store?.close();
    expect(readdirSync(parent)).toEqual(['store']);
  });

  it('is not opened under another key', async () => {
    const folder = join(temporaryFolder(), 'store');
    await writeStore(folder, rows.slice(0, 1));
    expect(await TokenStore.open(folder, 'other')).toBeNull();
  });

  it('cannot be seen before it is whole, and leaves nothing when it is abandoned', async () => {
    const parent = temporaryFolder();
    const folder = join(parent, 'store');
    const writer = await StoreWriter.create(folder);
    const record = encodeRecord(rows[0]!, []);
    await writer.add({ records: record, sizes: [record.length], tokens: [1], longest: [1], numbers: [1] }, 0);
    expect(existsSync(folder)).toBe(false);
    await writer.abandon();
    expect(readdirSync(parent)).toEqual([]);
  });

  it('names the folder when it cannot be written', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    await expect(StoreWriter.create(join(file, 'store'))).rejects.toMatchObject({ code: 'LLMF_DATA_CACHE_WRITE' });
  });
});

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 0x10;
  writeFileSync(path, bytes);
}
