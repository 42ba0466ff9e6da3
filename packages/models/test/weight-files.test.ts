// SPDX-License-Identifier: Apache-2.0
import {
  cpSync,
  mkdtempSync,
  openSync,
  closeSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fixture, loader } from './fixture.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llmf-watch-'));
  cpSync(fixture('llama'), folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const weights = () => join(folder, 'model.safetensors');

/** Other values in the middle, with the times of before. */
function overwrite(): void {
  const file = openSync(weights(), 'r+');
  writeSync(file, Buffer.alloc(64, 7), 0, 64, 20_000);
  closeSync(file);
  utimesSync(weights(), new Date(0), new Date(0));
}

const changes: readonly (readonly [string, () => void])[] = [
  ['written over', overwrite],
  ['cut', () => truncateSync(weights(), 1000)],
  ['removed', () => rmSync(weights())],
  [
    'replaced by another',
    () => {
      cpSync(weights(), `${weights()}.new`);
      truncateSync(`${weights()}.new`, 1000);
      renameSync(`${weights()}.new`, weights());
    },
  ],
];

describe('watched weights', () => {
  it.each(changes)('that are %s are an error', async (_, change) => {
    for (const isFingerprinted of [true, false]) {
      cpSync(fixture('llama'), folder, { recursive: true });
      if (isFingerprinted) await loader.fingerprint(folder);
      const files = await loader.watch(folder);
      await files.check();
      change();
      await expect(files.check()).rejects.toMatchObject({ code: 'LLMF_MODELS_FILES_CHANGED', status: 1 });
    }
  });

  it('that are touched, or replaced by the same, are the same where their fingerprint is known', async () => {
    await loader.fingerprint(folder);
    const files = await loader.watch(folder);
    utimesSync(weights(), new Date(1), new Date(1));
    await files.check();
    cpSync(weights(), `${weights()}.new`);
    renameSync(`${weights()}.new`, weights());
    await files.check();
    overwrite();
    await expect(files.check()).rejects.toMatchObject({ code: 'LLMF_MODELS_FILES_CHANGED' });
  });

  it('change the fingerprint, also when they are read again', async () => {
    const before = await loader.fingerprint(folder);
    expect(await loader.fingerprint(folder)).toBe(before);
    expect(await loader.fingerprint(fixture('llama'))).toBe(before);
    overwrite();
    expect(await loader.fingerprint(folder)).not.toBe(before);
  });
});
