// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nativeKernels } from './index.js';
import type { Signatures } from './signature.js';
import { signatures } from './signatures.js';

const folder = import.meta.dirname;
const folders = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

describe('the kernels', () => {
  it('of every folder are in the list', () => {
    const list = readFileSync(join(folder, 'index.ts'), 'utf8');
    expect(folders.length).toBeGreaterThan(20);
    expect(folders.filter((name) => !list.includes(`'./${name}/`))).toEqual([]);
  });

  it('cover the whole contract of nn, each name once', () => {
    const names = nativeKernels.map(({ kernelName }) => kernelName);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.values(kernels).filter((name) => !names.includes(name))).toEqual([]);
  });

  it('have signatures that are all in the list, no name twice', async () => {
    const declared: string[] = [];
    for (const name of folders) {
      const file = join(folder, name, 'signature.ts');
      if (!existsSync(file)) continue;
      const module = (await import(file)) as Record<string, Signatures>;
      declared.push(...Object.values(module).flatMap((kernelSignatures) => Object.keys(kernelSignatures)));
    }
    expect(declared.length).toBeGreaterThan(25);
    expect(declared.toSorted()).toEqual(Object.keys(signatures).toSorted());
  });

  it('are all called', () => {
    const sources = folders.flatMap((name) => {
      const files = readdirSync(join(folder, name)).filter((file) => file.endsWith('.ts') && !file.includes('.test.'));
      return files.map((file) => readFileSync(join(folder, name, file), 'utf8'));
    });
    const called = new Set(
      sources.flatMap((text) => [...text.matchAll(/kernels\.(\w+)\(/g)].map((match) => match[1]!)),
    );
    expect(Object.keys(signatures).filter((name) => !called.has(name))).toEqual([]);
  });
});
