// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tellRowKind } from './row-kind.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llmf-kind-'));
});
afterAll(() => rm(folder, { recursive: true }));

const kindOf = async (...rows: object[]) => {
  const train = await Promise.all(
    rows.map(async (row, at) => {
      await writeFile(join(folder, `${at}.jsonl`), `${JSON.stringify(row)}\n`);
      return { path: `${at}.jsonl` };
    }),
  );
  return await tellRowKind({ data: { train } }, folder);
};

it.each([
  ['answers', { prompt: 'a', response: 'b' }, 'single'],
  ['chats', { messages: [{ role: 'user', content: 'a' }] }, 'single'],
  ['pairs', { prompt: 'a', chosen: 'b', rejected: 'c' }, 'pair'],
  ['labelled answers, which may be bad', { prompt: 'a', completion: 'b', label: true }, 'labelled'],
  ['running text', { text: 'a' }, 'text'],
  ['an answer beside a pair', { instruction: 'a', output: 'b', chosen: 'c', rejected: 'd' }, null],
  ['token ids', { promptIds: [1], responseIds: [2] }, null],
])('tells the kind of %s', async (_title, row, kind) => {
  expect(await kindOf(row)).toBe(kind);
});

it('tells nothing of files that differ, of none and of what cannot be read', async () => {
  expect(await kindOf({ prompt: 'a', response: 'b' }, { prompt: 'a', chosen: 'b', rejected: 'c' })).toBeNull();
  expect(await tellRowKind({}, folder)).toBeNull();
  expect(await tellRowKind({ data: { train: [{ path: 'absent.jsonl' }] } }, folder)).toBeNull();
});
