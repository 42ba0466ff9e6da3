// SPDX-License-Identifier: Apache-2.0
/**
 * Whole files. Node's own `readFile` takes a read that brought fewer bytes than were asked for for the end of the file, and
 * `readFileSync` of a text aborts the process where closing the file fails.
 */
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { readInto } from './transfer.js';

export async function readBytes(path: string): Promise<Buffer> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    if (size === 0) return await handle.readFile(); // a pipe says so, too
    const data = Buffer.allocUnsafe(size);
    return data.subarray(0, await readInto(handle, data, 0));
  } finally {
    await handle.close();
  }
}

export const readText = async (path: string): Promise<string> => (await readBytes(path)).toString('utf8');

export const readTextSync = (path: string): string => readFileSync(path).toString('utf8');
