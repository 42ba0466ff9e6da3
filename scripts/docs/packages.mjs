// SPDX-License-Identifier: Apache-2.0
// The packages of this repository, and an engine with every plugin among them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { composeEngine } from 'llmf';

export const repository = fileURLToPath(new URL('../../', import.meta.url));

/** Packages that are no plugin. */
const libraries = ['llmf', '@llmf/core', '@llmf/jinja', '@llmf/sweep', '@llmf/testkit'];

/** Folder and manifest of every package, by folder name. */
export function packages() {
  return readdirSync(join(repository, 'packages'))
    .toSorted()
    .map((folder) => ({
      folder,
      ...JSON.parse(readFileSync(join(repository, 'packages', folder, 'package.json'), 'utf8')),
    }));
}

/** An engine with every plugin of the repository; close it. @param importFile imports a source file of a package */
export async function engineWithAll(importFile) {
  const { engine: plain } = await composeEngine({ folder: repository });
  const builtIn = plain.plugins.map(({ name }) => name);
  await plain.close();
  const folders = packages().flatMap(({ name, folder }) => (libraries.includes(name) ? [] : [folder]));
  const modules = folders.map((folder) => importFile(join(repository, 'packages', folder, 'src', 'index.ts')));
  const all = (await Promise.all(modules)).map((module) => module.default());
  const plugins = all.filter(({ name }) => !builtIn.includes(name));
  const input = { raw: { plugins }, source: { locate: () => 'docs' }, folder: repository, file: null };
  const { engine } = await composeEngine({ folder: repository, input });
  return engine;
}
