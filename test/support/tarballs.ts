// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository, run, succeeded } from './command.js';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Packs every package as it would be published; tarball by package name. */
export async function packAll(destination: string): Promise<Map<string, string>> {
  const root = await manifestIn(repository);
  const pnpm = ['--yes', root.packageManager!, '-r', '--filter', './packages/*', 'exec'];
  const pack = ['pnpm', 'pack', '--pack-destination', destination];
  succeeded(await run('npx', [...pnpm, ...pack], { folder: repository, environment: { CI: 'true' } }));
  const packed = await readdir(destination);
  const tarballs = new Map<string, string>();
  for (const { name, version } of (await manifests()).values()) {
    const file = `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
    if (!packed.includes(file)) throw new Error(`${name}: no ${file} among ${packed.join(', ')}`);
    tarballs.set(name, join(destination, file));
  }
  return tarballs;
}

/** These packages and those of ours that they depend on. */
export async function withDependencies(names: readonly string[]): Promise<string[]> {
  const all = await manifests();
  const found = new Set<string>();
  const add = (name: string) => {
    const manifest = all.get(name);
    if (manifest === undefined || found.has(name)) return;
    found.add(name);
    for (const each of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) add(each);
  };
  names.forEach(add);
  return [...found];
}

async function manifests(): Promise<Map<string, Manifest>> {
  const folders = await readdir(join(repository, 'packages'));
  const read = await Promise.all(folders.map((folder) => manifestIn(join(repository, 'packages', folder))));
  return new Map(read.map((manifest) => [manifest.name, manifest]));
}

const manifestIn = async (folder: string) =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest & { readonly packageManager?: string };
