// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorCode } from '@llmf/core';
import { describe, expect, it } from 'vitest';

const packages = fileURLToPath(new URL('../../', import.meta.url));

interface CodedError {
  readonly code: string;
  readonly name: string;
  readonly file: string;
}

/** Every source file of a package, tests left out. */
function sources(packageName: string): Map<string, string> {
  const folder = join(packages, packageName, 'src');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  return new Map(files.map((name) => [join(packageName, 'src', name), readFileSync(join(folder, name), 'utf8')]));
}

/** What a file defines with `defineErrors('package', { name: (f: …) => … })`; a file keeps to one package. */
function definedIn(file: string, content: string): CodedError[] {
  const prefix = /defineErrors\(\s*'([\w-]+)'/.exec(content)?.[1];
  if (prefix === undefined) return [];
  const names = [...content.matchAll(/^ {2,4}(\w+): \((?:f|_)\b/gm)].map(([, name]) => name!);
  return names.map((name) => ({ code: errorCode(prefix, name), name, file }));
}

const all = readdirSync(packages).flatMap((name) => [...sources(name)]);
const text = new Map(all);
const catalogue = all.flatMap(([file, content]) => definedIn(file, content));

describe('the catalogue of errors', () => {
  it('is not empty, and every code means one thing', () => {
    expect(catalogue.length).toBeGreaterThan(100);
    const files = new Map<string, string[]>();
    for (const { code, file } of catalogue) files.set(code, [...(files.get(code) ?? []), file]);
    expect([...files].filter(([, places]) => places.length > 1)).toEqual([]);
  });

  it('holds no error that nothing throws', () => {
    const everything = [...text.values()].join('\n');
    const unused = catalogue.filter(({ name }) => !new RegExp(`\\.${name}\\(`).test(everything));
    expect(unused.map(({ code, file }) => `${code} (${file})`)).toEqual([]);
  });
});
