// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReferenceFiles } from './reference-files.js';
import { RowLogProbs } from './row-log-probs.js';

let folder: string;
let warnings: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llmf-reference-'));
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (key = 'key') => ReferenceFiles.open(folder, key, { info: () => {}, warn: (line) => warnings.push(line) });

/** Row r has r + 1 answer tokens of −r − 1 and one prompt token. */
function valuesOf(rows: readonly number[]): RowLogProbs {
  const values = new RowLogProbs(6);
  for (const row of rows) values.set(row, Array<number>(row + 1).fill(-row - 1), [row / 2]);
  return values;
}

async function read(): Promise<number[]> {
  const values = new RowLogProbs(6);
  await (await open()).readInto(values);
  const rows = [0, 1, 2, 3, 4, 5].filter((row) => values.has(row));
  for (const row of rows) expect([values.answer(row, row), values.prompt(row, 0)]).toEqual([-row - 1, row / 2]);
  return rows;
}

function flip(name: string): void {
  const bytes = readFileSync(join(folder, name));
  bytes[bytes.length - 2]! ^= 4;
  writeFileSync(join(folder, name), bytes);
}

const all = [0, 1, 2, 3, 4, 5];

describe('reference log-probs on disk', () => {
  it('come back part by part, and as one file in the end', async () => {
    const files = await open();
    await files.keep(valuesOf([4, 1]), [4, 1]);
    await files.keep(valuesOf([0]), [0]);
    await files.keep(valuesOf([]), []);
    expect(await read()).toEqual([0, 1, 4]);
    await files.finish(valuesOf(all));
    expect(readdirSync(folder)).toEqual(['key.safetensors']);
    expect(await read()).toEqual(all);
  });

  it('are gone on with after the parts of an earlier pass', async () => {
    await (await open()).keep(valuesOf([4]), [4]);
    const again = await open();
    await again.readInto(new RowLogProbs(6));
    await again.keep(valuesOf([5]), [5]);
    expect(await read()).toEqual([4, 5]);
  });

  it('that are damaged are told, removed and wanted again', async () => {
    const files = await open();
    await files.keep(valuesOf([4]), [4]);
    await files.keep(valuesOf([5]), [5]);
    flip('key.part-0.safetensors');
    expect(await read()).toEqual([5]);
    expect(warnings).toEqual([
      expect.stringMatching(/key\.part-0\.safetensors is damaged and computed again: its bytes/),
    ]);
    await files.finish(valuesOf(all));
    truncateSync(join(folder, 'key.safetensors'), 100);
    expect(await read()).toEqual([]);
    expect(warnings).toHaveLength(2);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')('that cannot be read are kept, and not computed again', async () => {
    symlinkSync('key.part-0.safetensors', join(folder, 'key.part-0.safetensors'));
    await expect(read()).rejects.toThrow(/ELOOP/);
    expect(readdirSync(folder)).toEqual(['key.part-0.safetensors']);
  });

  it('of another split are not touched', async () => {
    await (await open('other')).keep(valuesOf([1]), [1]);
    expect(await read()).toEqual([]);
    await (await open()).finish(valuesOf(all));
    expect(readdirSync(folder).sort()).toEqual(['key.safetensors', 'other.part-0.safetensors']);
  });
});
