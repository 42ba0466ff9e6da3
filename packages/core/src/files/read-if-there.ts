// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';

/** A text file; null where there is none. One that is there and cannot be read is never taken for none: that error is thrown. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
