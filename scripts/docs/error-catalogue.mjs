// SPDX-License-Identifier: Apache-2.0
// Every coded error of every package, from the catalogues themselves.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { LlmfError } from '@llmf/core';
import { code, table } from './markdown.mjs';
import { packages, repository } from './packages.mjs';

/** Files that hold a catalogue: `defineErrors` outside its own definition. */
export function catalogueFiles() {
  return packages().flatMap(({ folder }) =>
    sourceFiles(join(repository, 'packages', folder, 'src'))
      .filter((file) => /^export const \w+ = defineErrors\(/m.test(readFileSync(file, 'utf8')))
      .map((file) => ({ folder, file })),
  );
}

/** TypeScript sources below a folder, tests left out. */
export function sourceFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('.d.ts'))
    .map((name) => join(folder, name))
    .toSorted();
}

/**
 * One entry per error: code, status, what is said and what to do, with ‹names› where facts go.
 * @param importFile turns a source file into its module
 */
export async function errorCatalogue(importFile) {
  const entries = [];
  for (const { folder, file } of catalogueFiles()) {
    const source = readFileSync(file, 'utf8');
    const module = await importFile(file);
    for (const [, name] of source.matchAll(/^export const (\w+) = defineErrors\(/gm)) {
      for (const [key, thrower] of Object.entries(module[name])) {
        const { code: errorCode, status, detail } = sample(thrower, `${relative(repository, file)}: ${key}`);
        entries.push({ folder, file: relative(repository, file), code: errorCode, status, ...detail });
      }
    }
  }
  return entries.toSorted((a, b) => a.folder.localeCompare(b.folder) || a.code.localeCompare(b.code));
}

export function errorTables(entries) {
  const folders = [...new Set(entries.map(({ folder }) => folder))];
  return folders
    .map((folder) => {
      const rows = entries.filter((entry) => entry.folder === folder);
      return `## ${folder}\n\n${table(
        ['Code', 'Says', 'To do'],
        rows.map(({ code: errorCode, status, what, fix }) => [
          code(errorCode) + (status === 2 ? ' (status 2)' : ''),
          plain(what),
          plain(fix ?? ''),
        ]),
      )}`;
    })
    .join('\n\n');
}

/** Angle brackets would be HTML, stars emphasis. */
const plain = (text) => text.replaceAll('<', '&lt;').replaceAll('*', '\\*').replaceAll('_', '\\_');

/** The error with a ‹name› in place of every fact. */
function sample(thrower, where) {
  const error = thrower(placeholder('facts'));
  if (!LlmfError.is(error)) throw new Error(`${where} makes no error of llmf`);
  const text = (value) => (value === undefined ? undefined : String(value).replaceAll('NaN', '…'));
  return {
    code: error.code,
    status: error.status,
    detail: { what: text(error.detail.what), fix: text(error.detail.fix) },
  };
}

/** Stands for a text, a number or a list: whatever is done with it, it reads ‹name›. */
function placeholder(name) {
  const text = `‹${name}›`;
  const self = new Proxy(() => self, {
    get(_, key) {
      if (key === Symbol.toPrimitive) return (hint) => (hint === 'number' ? NaN : text);
      if (key === Symbol.iterator) return () => [self][Symbol.iterator]();
      if (key === 'length') return 2; // not empty, and plural
      if (['toString', 'join', 'toFixed', 'toLocaleString'].includes(key)) return () => text;
      if (name !== 'facts') return self;
      return typeof key === 'string' ? placeholder(key) : undefined;
    },
  });
  return self;
}
