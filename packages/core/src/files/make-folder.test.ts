// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder } from './make-folder.js';

it('makes a folder and those above it, once or twice', () => {
  const root = mkdtempSync(join(tmpdir(), 'llmf-folder-'));
  makeFolder(join(root, 'a', 'b', 'c'));
  makeFolder(join(root, 'a', 'b', 'c'));
  expect(existsSync(join(root, 'a', 'b', 'c'))).toBe(true);
  writeFileSync(join(root, 'file'), '');
  expect(() => makeFolder(join(root, 'file'))).toThrow('EEXIST');
  expect(() => makeFolder(join(root, 'file', 'x'))).toThrow('ENOTDIR');
  rmSync(root, { recursive: true });
});

it.runIf(process.platform === 'linux')('fails in /proc, where nothing can be made', () => {
  expect(() => makeFolder('/proc/llmf')).toThrow('ENOENT');
  expect(() => makeFolder('/proc/llmf/below')).toThrow('ENOENT');
});
