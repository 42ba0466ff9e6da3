// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readInto, writeAll } from './transfer.js';

const folder = mkdtempSync(join(tmpdir(), 'llmf-transfer-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'file');
const bytes = Uint8Array.from({ length: 100 }, (_, at) => at);

/** A handle that moves at most seven bytes at a time. */
const slow = (handle: FileHandle) => {
  type Position = number | null;
  return {
    read: (data: Uint8Array, at: number, length: number, position: Position) =>
      handle.read(data, at, Math.min(length, 7), position),
    write: (data: Uint8Array, at: number, length: number, position: Position) =>
      handle.write(data, at, Math.min(length, 7), position),
  } as FileHandle;
};

describe('where a call moves a part of the bytes', () => {
  it('all are written, from a position or behind what was written', async () => {
    const handle = await open(file, 'w+');
    await writeAll(slow(handle), bytes);
    await writeAll(slow(handle), bytes);
    await writeAll(slow(handle), Uint8Array.of(9, 8), 50);
    await handle.close();
    const expected = [...bytes, ...bytes];
    expected.splice(50, 2, 9, 8);
    expect([...readFileSync(file)]).toEqual(expected);
  });

  it('all are read, or those before the end', async () => {
    writeFileSync(file, bytes);
    const handle = await open(file, 'r');
    const data = new Uint8Array(30);
    expect(await readInto(slow(handle), data, 20)).toBe(30);
    expect([...data]).toEqual([...bytes.subarray(20, 50)]);
    expect(await readInto(slow(handle), data, 95)).toBe(5);
    await handle.close();
  });
});
