// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from './support/command.js';

const packagesFolder = join(repository, 'packages');
const sourcesOf = (name: string): string[] =>
  readdirSync(join(packagesFolder, name, 'src'), { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
const packages = readdirSync(packagesFolder).filter((name) => name !== 'testkit');
const textOf = (name: string, file: string) => readFileSync(join(packagesFolder, name, 'src', file), 'utf8');

/** What a package's sources may import of this repository; a package that is not named here is a plugin. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  jinja: [],
  core: [],
  sweep: ['core'],
  nn: ['core'],
  training: ['core', 'nn'],
  models: ['core', 'nn'],
  data: ['core', 'nn', 'training', 'jinja'],
  cli: packages,
};
const ofPlugin = ['core', 'nn', 'training', 'rollouts'];

describe('the arrows between packages', () => {
  it.each(packages)('%s imports only what lies below it', (name) => {
    const allowed = mayImport[name] ?? ofPlugin;
    const imports = sourcesOf(name).flatMap((file) =>
      [...textOf(name, file).matchAll(/ from '(?:@llmf\/([\w-]+)|(llmf))'/g)].map(([, named]) => named ?? 'cli'),
    );
    expect([...new Set(imports)].filter((other) => !allowed.includes(other))).toEqual([]);
  });

  it('core knows no tensor, not even a type', () => {
    const knowing = sourcesOf('core').filter((file) => /tensorflow|tfjs/.test(importsIn(textOf('core', file))));
    expect(knowing).toEqual([]);
    expect(sourcesOf('core').length).toBeGreaterThan(50);
  });

  it('no source names a plugin’s value to decide something', () => {
    const asking = packages
      .filter((name) => ['core', 'nn', 'training'].includes(name))
      .flatMap((name) => sourcesOf(name).map((file) => [name, file] as const))
      .filter(([name, file]) => /=== '(dpo|orpo|simpo|sft|kto|ppo|qwen2|llama|nf4|int8)'/.test(textOf(name, file)));
    expect(asking).toEqual([]);
  });
});

const importsIn = (text: string): string => (text.match(/^(import|export)[^;]* from '[^']+';/gm) ?? []).join('\n');

/** Folders of a package from the bottom up; each may use those before it. Types alone may point anywhere. */
const floors: Readonly<Record<string, readonly string[]>> = {
  core: ['text', 'contracts', 'files', 'random', 'container', 'engine', 'config', 'plugins', 'hub', 'run'],
  nn: [
    'contracts',
    'head-files',
    'weights',
    'autograd',
    'ops',
    'gradients',
    'layers',
    'heads',
    'modules',
    'generation',
    'adapters',
  ],
};
/** The reverse pass adds gradients up in place, by the one kernel that can. */
const exceptions = ['nn: autograd/reverse.ts → ops'];

describe.each(Object.entries(floors))('the folders of %s', (name, order) => {
  it('use only those below them', () => {
    const upwards = sourcesOf(name).flatMap((file) =>
      usedFolders(name, file)
        .filter((used) => order.includes(used) && order.indexOf(used) > order.indexOf(file.split('/')[0]!))
        .filter(() => order.includes(file.split('/')[0]!))
        .map((used) => `${name}: ${file} → ${used}`),
    );
    expect(upwards).toEqual(exceptions.filter((each) => each.startsWith(`${name}:`)));
  });
});

/** Other folders of the package from which a file imports values. */
function usedFolders(name: string, file: string): string[] {
  const own = file.split('/')[0];
  const imports = [...textOf(name, file).matchAll(/^(?:import|export) (?!type )([^;]*?) from '(\.[^']+)';/gm)];
  const values = imports.filter(([, names]) => !/^\{(\s*type \w+( as \w+)?,?)+\s*\}$/.test(names!));
  const used = values.map(([, , path]) => join(dirname(file), path!).replaceAll('\\', '/').split('/')[0]!);
  return [...new Set(used)].filter((folder) => folder !== own);
}

describe('the files of a package', () => {
  it.each([...packages, 'testkit'])('of %s never import each other in a circle, not even types', (name) => {
    expect(circleIn(new Map(sourcesOf(name).map((file) => [file, filesUsed(name, file)])))).toEqual([]);
  });

  it('a circle is found', () => {
    const arrows = { 'a.ts': ['b.ts'], 'b.ts': ['c.ts'], 'c.ts': ['b.ts'] };
    expect(circleIn(new Map(Object.entries(arrows)))).toEqual(['b.ts', 'c.ts', 'b.ts']);
  });
});

const filesUsed = (name: string, file: string): string[] =>
  [...textOf(name, file).matchAll(/^(?:import|export)[^;]*? from '(\.[^']+)\.js';/gm)].map(([, path]) =>
    join(dirname(file), `${path!}.ts`).replaceAll('\\', '/'),
  );

/** The first way from a file back to itself; empty where there is none. */
function circleIn(arrows: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const search = (file: string, above: readonly string[]): string[] => {
    if (above.includes(file)) return [...above.slice(above.indexOf(file)), file];
    if (done.has(file)) return [];
    done.add(file);
    for (const used of arrows.get(file) ?? []) {
      const circle = search(used, [...above, file]);
      if (circle.length > 0) return circle;
    }
    return [];
  };
  for (const file of arrows.keys()) {
    const circle = search(file, []);
    if (circle.length > 0) return circle;
  }
  return [];
}
