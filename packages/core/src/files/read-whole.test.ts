// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readBytes, readText, readTextSync } from './read-whole.js';

const folder = mkdtempSync(join(tmpdir(), 'llmf-read-'));
const file = join(folder, 'text.txt');
beforeAll(() => writeFileSync(file, 'four words and an é'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

describe('a whole file', () => {
  it('is read whole where each read brings less than was asked for', async () => {
    const handle = await open(file);
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    const read = prototype.read as (...args: unknown[]) => Promise<unknown>;
    vi.spyOn(prototype, 'read').mockImplementation(function (this: FileHandle, ...args: unknown[]) {
      const [data, offset, length, position] = args as [Uint8Array, number, number, number];
      return read.call(this, data, offset, Math.min(3, length), position) as never;
    } as never);
    expect(await readText(file)).toBe('four words and an é');
  });

  it('is read from a pipe, and empty from an empty file', async () => {
    if (process.platform === 'linux') {
      const pipe = join(folder, 'pipe');
      expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
      const reading = readText(pipe);
      writeFileSync(pipe, 'through a pipe');
      expect(await reading).toBe('through a pipe');
    }
    const empty = join(folder, 'empty');
    writeFileSync(empty, '');
    expect(await readBytes(empty)).toHaveLength(0);
  });

  it('is not there: the error of the file system', async () => {
    await expect(readText(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(() => readTextSync(join(folder, 'none'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(readTextSync(file)).toBe('four words and an é');
  });
});
