// SPDX-License-Identifier: Apache-2.0
/**
 * What is not there, told from what cannot be looked at: only "no such file" and "a part of the path is a file" mean that
 * there is nothing. A failing disk, missing rights or too many open files say nothing about it, and are thrown.
 */
import { statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';

/** What the file system answers; null where there is nothing. */
export async function ifThere<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** Names in a folder; none where there is no such folder. */
export const entriesIfThere = async (folder: string): Promise<string[]> => (await ifThere(readdir(folder))) ?? [];

export const isThere = async (path: string): Promise<boolean> => (await ifThere(stat(path))) !== null;

export function isThereSync(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

/** The file system refused something for another reason than that it is not there. */
export function isRefused(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('syscall' in error) return !isAbsent(error);
  return isRefused(error.cause);
}

const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
