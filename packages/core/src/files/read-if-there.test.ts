// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readIfThere } from './read-if-there.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llmf-read-'));
  await writeFile(join(folder, 'file'), 'text');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('reads a file, and has null for one that is not there', async () => {
  expect(await readIfThere(join(folder, 'file'))).toBe('text');
  expect(await readIfThere(join(folder, 'other'))).toBeNull();
  expect(await readIfThere(join(folder, 'file', 'below'))).toBeNull();
});

it('never takes what cannot be read for what is not there', async () => {
  await expect(readIfThere(folder)).rejects.toThrow(/EISDIR/);
});
