// SPDX-License-Identifier: Apache-2.0
// A link that leads to itself can neither be listed nor read, as on a failing disk, also by root: ELOOP.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findConfig } from '../config/read-config.js';
import { CheckpointStore } from '../run/checkpoints.js';
import { checkOutputFolder, refuseWeights } from '../run/output-folder.js';
import { writeFileAtomic } from './atomic-write.js';
import { entriesIfThere, ifThere, isRefused, isThere, isThereSync } from './if-there.js';
import { checkModelFolder } from './model-folder.js';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llmf-there-'));
  writeFileSync(at('file'), 'text');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Something that is there and cannot be looked at. */
function unreadable(...names: string[]): string {
  symlinkSync(names.at(-1)!, at(...names));
  return at(...names);
}

it('what is not there is null, no names or false, also below a file', async () => {
  for (const path of [at('other'), at('file', 'below')]) {
    expect(await ifThere(stat(path))).toBeNull();
    expect(await entriesIfThere(path)).toEqual([]);
    expect(await isThere(path)).toBe(false);
    expect(isThereSync(path)).toBe(false);
  }
  expect(await entriesIfThere(folder)).toEqual(['file']);
  expect(await isThere(at('file'))).toBe(true);
  expect(isThereSync(at('file'))).toBe(true);
});

describe.skipIf(process.platform === 'win32')('what cannot be looked at is never taken for what is not there', () => {
  it('by the helpers', async () => {
    const path = unreadable('loop');
    await expect(ifThere(readdir(path))).rejects.toThrow(/ELOOP/);
    await expect(entriesIfThere(path)).rejects.toThrow(/ELOOP/);
    await expect(isThere(path)).rejects.toThrow(/ELOOP/);
    expect(() => isThereSync(path)).toThrow(/ELOOP/);
  });

  it('nor for damage, also as the cause of another error', async () => {
    const refused = await readdir(unreadable('loop')).catch((error: unknown) => error);
    const absent = await readdir(at('other')).catch((error: unknown) => error);
    expect(isRefused(refused)).toBe(true);
    expect(isRefused(new Error('unreadable', { cause: refused }))).toBe(true);
    expect(isRefused(absent)).toBe(false);
    expect(isRefused(new Error('missing', { cause: absent }))).toBe(false);
    expect(isRefused(new SyntaxError('not JSON'))).toBe(false);
  });

  it('by a run that looks for its checkpoints: it would begin anew', async () => {
    unreadable('checkpoints');
    await expect(new CheckpointStore(folder).readLatest()).rejects.toThrow(/ELOOP/);
    await expect(new CheckpointStore(folder).clean()).rejects.toThrow(/ELOOP/);
  });

  it('by who looks for weights of others: they would be replaced', async () => {
    const output = unreadable('output');
    await expect(checkOutputFolder(output)).rejects.toThrow(/ELOOP/);
    await expect(refuseWeights(output)).rejects.toThrow(/ELOOP/);
  });

  it('by the check of a model folder: its links would be followed unseen', async () => {
    await expect(checkModelFolder(unreadable('model'))).rejects.toThrow(/ELOOP/);
    mkdirSync(at('other'));
    unreadable('other', 'config.json');
    await expect(checkModelFolder(at('other'))).rejects.toThrow(/ELOOP/);
  });

  it('by who writes in its place, or looks for a config', async () => {
    await expect(writeFileAtomic(unreadable('metrics.json'), 'new')).rejects.toThrow(/ELOOP/);
    unreadable('llmf.yaml');
    writeFileSync(at('llmf.json'), '{}');
    expect(() => findConfig(folder)).toThrow(/ELOOP/);
  });
});
