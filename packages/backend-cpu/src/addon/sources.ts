// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { signatures } from '../kernels/signatures.js';

/** The package's folder; this file is in `src/addon` or `dist/addon` of it. The C++ sources are always in `src`. */
export const packageFolder = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const sourceFolder = join(packageFolder, 'src');

export interface NativeSources {
  /** Of every C++ file, of the kernels' signatures and of the flags. */
  readonly hash: string;
  /** kernels/<op>/<op>.cc, sorted. */
  readonly kernelFiles: readonly KernelFile[];
}

export interface KernelFile {
  /** Relative to `src`. */
  readonly path: string;
  /** The op, e.g. `rms-norm`. */
  readonly folder: string;
  /** What it defines: names of structs, e.g. `RmsNorm`. */
  readonly structs: readonly string[];
}

export function nativeSources(flags: readonly string[]): NativeSources {
  const files = ['native', 'kernels'].flatMap((folder) => cppFiles(join(sourceFolder, folder))).toSorted();
  const hash = createHash('sha256').update(JSON.stringify([process.platform, process.arch, flags, signatures]));
  const kernelFiles: KernelFile[] = [];
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const name = relative(sourceFolder, file).split(sep).join('/');
    hash.update(`${name}\n${text}`);
    if (name.startsWith('kernels/') && name.endsWith('.cc')) kernelFiles.push(kernelFile(name, text));
  }
  return { hash: hash.digest('hex').slice(0, 16), kernelFiles };
}

function kernelFile(path: string, text: string): KernelFile {
  const structs = [...text.matchAll(/^void (\w+)::run\(\) const/gm)].map((match) => match[1]!);
  return { path, folder: path.split('/')[1]!, structs };
}

function cppFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(cc|h)$/.test(name))
    .map((name) => join(folder, name));
}
