// SPDX-License-Identifier: Apache-2.0
/**
 * Files and folders that are either whole or not there: written under a temporary name beside the target, flushed to
 * the disk, then renamed; rename(2) replaces its target atomically.
 */
import { lstat, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileErrors } from './file-errors.js';
import { ifThere } from './if-there.js';
import { makeFolder } from './make-folder.js';
import { removeLeftoversOnce, temporaryName } from './temporary-name.js';

/** Writes a file whole. What stood there before stays until the new content is on the disk. @throws LLMF_CORE_NO_SPACE. */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await replaceFile(path, async (temporary) => {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/**
 * As `writeFileAtomic` for content that `fill` writes, and flushes, into a temporary path. Through a link what it leads to
 * is replaced.
 * @throws LLMF_CORE_NOT_REGULAR_FILE, LLMF_CORE_NO_SPACE
 */
export async function replaceFile(path: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  const target = await replaceable(path);
  const temporary = temporaryName(target);
  await cleanedUp(path, temporary, async () => {
    await fill(temporary);
    await rename(temporary, target);
    await syncFolder(dirname(target));
  });
}

/** Where the file itself is. A rename would put a file in the place of /dev/null as of anything else. */
async function replaceable(path: string): Promise<string> {
  const target = (await ifThere(realpath(path))) ?? path;
  const found = await ifThere(lstat(target));
  if (found !== null && !found.isFile() && !found.isSymbolicLink()) throw fileErrors.notRegularFile({ path });
  return target;
}

/**
 * Makes a folder that appears whole: `fill` writes into a temporary folder beside it, which is flushed and renamed.
 * @throws LLMF_CORE_FOLDER_IN_USE when the target exists and is not empty, LLMF_CORE_NO_SPACE.
 */
export async function writeFolderAtomic(path: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryName(path);
  await cleanedUp(path, temporary, async () => {
    const found = await namesIn(path);
    if (found.length > 0) throw fileErrors.folderInUse({ path, found });
    makeFolder(temporary);
    await fill(temporary);
    await syncTree(temporary);
    await rename(temporary, path);
    try {
      await syncFolder(dirname(path));
    } catch (error) {
      await rename(path, temporary); // a command that fails leaves no folder in the way of its next start
      throw error;
    }
  });
}

/**
 * Adds files to a folder that may hold others: `fill` writes all of them into a temporary folder, and only when they
 * are whole and flushed they move in, one rename each, in the order of `last` at the end. @throws LLMF_CORE_NO_SPACE.
 */
export async function addFilesAtomic(
  path: string,
  fill: (temporary: string) => Promise<void>,
  last: readonly string[] = [],
): Promise<void> {
  const temporary = temporaryName(join(path, 'files'));
  await cleanedUp(path, temporary, async () => {
    makeFolder(temporary);
    await fill(temporary);
    await syncTree(temporary);
    const names = await readdir(temporary);
    const order = [...names.filter((name) => !last.includes(name)), ...last.filter((name) => names.includes(name))];
    const before = new Set(await namesIn(path));
    try {
      for (const name of order) await rename(join(temporary, name), join(path, name));
      await syncFolder(path);
    } catch (error) {
      const added = order.filter((name) => !before.has(name)); // half of them would stand in the way of the next start
      for (const name of added) await rm(join(path, name), { recursive: true, force: true });
      throw error;
    }
    await rm(temporary, { recursive: true });
  });
}

/** Flushes the names in a folder to the disk. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // Windows cannot open a folder; renames are journalled there
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Runs `work`; on failure removes the temporary file or folder and gives "disk full" its code. */
async function cleanedUp(path: string, temporary: string, work: () => Promise<void>): Promise<void> {
  await removeLeftoversOnce(dirname(temporary));
  try {
    await work();
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    throw fileErrors.noSpace({ path, reason: message, kept: 'what was there before is unchanged' }, { cause: error });
  }
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else await syncFile(path);
  }
  await syncFolder(folder);
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
