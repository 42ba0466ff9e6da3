// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const lockfiles: readonly (readonly [file: string, command: string])[] = [
  ['pnpm-lock.yaml', 'pnpm add'],
  ['yarn.lock', 'yarn add'],
  ['bun.lock', 'bun add'],
  ['bun.lockb', 'bun add'],
  ['package-lock.json', 'npm install'],
];

/** How the user installs a package: with the package manager whose lockfile is nearest above the folder, else npm. */
export function installCommand(packageName: string, folder: string): string {
  for (const each of foldersAbove(folder)) {
    const found = lockfiles.find(([file]) => existsSync(join(each, file)));
    if (found !== undefined) return `${found[1]} ${packageName}`;
  }
  return `npm install ${packageName}`;
}

/** The folder and all its parents, nearest first. */
export function foldersAbove(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...foldersAbove(parent)];
}
