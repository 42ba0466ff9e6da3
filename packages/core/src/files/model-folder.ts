// SPDX-License-Identifier: Apache-2.0
/**
 * A model folder may come from elsewhere, and links travel in archives and repositories: one that leads out of the folder
 * would have any file of the user's read, copied into an output folder and given away with it.
 */
import { lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileErrors } from './file-errors.js';
import { entriesIfThere, ifThere } from './if-there.js';

const templateFolder = 'additional_chat_templates';

/** What llmf reads of such a folder. */
const isRead = (name: string): boolean => /\.(?:json|jinja|safetensors|txt|model)$/.test(name);

/**
 * Checks a folder of a model or adapter before any of its files is read.
 * @throws LLMF_CORE_LINK_OUTSIDE, LLMF_CORE_STRANGE_FILE; what the file system refuses; nothing where there is no folder: who reads it says so
 */
export async function checkModelFolder(folder: string): Promise<void> {
  const real = await ifThere(realpath(folder));
  if (real === null) return;
  await checkFolder(real, [real, ...blobsOf(real)]);
}

async function checkFolder(folder: string, roots: readonly string[]): Promise<void> {
  for (const name of await entriesIfThere(folder)) {
    const path = join(folder, name);
    const isFolder = name === templateFolder;
    if (isFolder || isRead(name)) await checkEntry(path, roots);
    if (isFolder) await checkFolder(path, roots);
  }
}

async function checkEntry(path: string, roots: readonly string[]): Promise<void> {
  const facts = await ifThere(lstat(path));
  const target = facts?.isSymbolicLink() === true ? await ifThere(realpath(path)) : path;
  if (facts === null || target === null) return; // it is missing, and told as such where it is needed
  if (!roots.some((root) => isInside(root, target))) throw fileErrors.linkOutside({ file: path, target });
  const found = await stat(path);
  if (!found.isFile() && !found.isDirectory()) throw fileErrors.strangeFile({ file: path });
}

/** The cache of the hub keeps the contents of `models--NAME/snapshots/COMMIT` in `models--NAME/blobs`. */
function blobsOf(folder: string): string[] {
  const snapshots = dirname(folder);
  const repository = dirname(snapshots);
  const isSnapshot = basename(snapshots) === 'snapshots' && basename(repository).startsWith('models--');
  return isSnapshot ? [join(repository, 'blobs')] : [];
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`);
}
