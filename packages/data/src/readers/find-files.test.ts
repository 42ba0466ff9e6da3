// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LlmfError } from '@llmf/core';
import { temporaryFolder, write } from '../../test/tiny-tokenizers.js';
import { findFiles } from './find-files.js';

const folder = temporaryFolder();
const names = [
  'pairs.jsonl',
  'hub/data/train-00000-of-00002.parquet',
  'hub/data/train-00001-of-00002.parquet',
  'hub/data/test-00000-of-00001.parquet',
  'hub/README.md',
  'hub/dataset_info.json',
  'plain/b.json',
  'plain/a.csv',
  'plain/.hidden.json',
  'plain/.cache/data/facts.json',
  'plain/deep/c.txt',
];
for (const name of names) write(folder, name, 'x');

const found = async (path: string, split: string | null = null) =>
  (await findFiles(path, folder, split)).files.map((file) => relative(folder, file));

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'found',
    (error: unknown) => (LlmfError.is(error) ? error.code : error),
  );

describe('findFiles', () => {
  it('takes a file as it is', async () => expect(await found('pairs.jsonl')).toEqual(['pairs.jsonl']));

  it('takes every data file below a folder, sorted; none that is hidden or in a hidden folder', async () => {
    expect(await found('plain')).toEqual(['plain/a.csv', 'plain/b.json', 'plain/deep/c.txt']);
  });

  it.skipIf(process.platform === 'win32')('names what cannot be looked at, and takes it for nothing else', async () => {
    const own = temporaryFolder();
    symlinkSync('loop', join(own, 'loop'));
    for (const path of ['loop', 'loop/*.jsonl']) {
      await expect(findFiles(path, own, null)).rejects.toThrow(/LLMF_DATA_UNREADABLE[^]*ELOOP/);
    }
  });

  it('takes the training files of a folder with several splits, and says what it left out', async () => {
    const result = await findFiles('hub', folder, null);
    expect(result.files.map((file) => relative(folder, file))).toEqual(names.slice(1, 3));
    expect(result.notice).toContain('test-00000-of-00001.parquet');
  });

  it.skipIf(process.platform === 'win32')('says of a pipe that it is no file', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe.jsonl')]);
    await expect(found('pipe.jsonl')).rejects.toThrow(/LLMF_DATA_FILE_MISSING[^]*a pipe or a socket/);
  });

  it('takes the files of a stated split', async () => expect(await found('hub', 'test')).toEqual([names[3]]));

  it.each([
    ['hub/**/*.parquet', names.slice(1, 4).sort()],
    ['plain/*.{csv,json}', ['plain/a.csv', 'plain/b.json']],
    ['plain/?.json', ['plain/b.json']],
  ])('takes what matches %s', async (pattern, files) => expect(await found(pattern)).toEqual(files));

  it('names near files when one is missing', async () => {
    const error = await findFiles('pair.jsonl', folder, null).catch((thrown: LlmfError) => thrown);
    expect(error).toMatchObject({ code: 'LLMF_DATA_FILE_MISSING' });
    expect(String(error)).toContain('pairs.jsonl');
  });

  it('refuses a pattern without matches, a split that is not there, and another split of a single file', async () => {
    expect(await codeOf(findFiles('plain/*.parquet', folder, null))).toBe('LLMF_DATA_NO_FILES_MATCH');
    expect(await codeOf(findFiles('hub', folder, 'dev'))).toBe('LLMF_DATA_SPLIT_MISSING');
    expect(await codeOf(findFiles('pairs.jsonl', folder, 'test'))).toBe('LLMF_DATA_SPLIT_MISSING');
  });
});
