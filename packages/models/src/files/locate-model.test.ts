// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hubIdOf, locateModel } from './locate-model.js';

const root = mkdtempSync(join(tmpdir(), 'llmf-locate-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const noHub = () => {
  throw new Error('the hub must not be asked');
};

describe('locateModel', () => {
  it('takes an existing folder, relative to the given one, also where it reads like a hub id', async () => {
    mkdirSync(join(root, 'models', 'tiny'), { recursive: true });
    expect(await locateModel('models/tiny', root, noHub)).toBe(join(root, 'models', 'tiny'));
    expect(await locateModel(join(root, 'models'), '/', noHub)).toBe(join(root, 'models'));
  });

  it.skipIf(process.platform === 'win32')('refuses a pipe, which would be waited for without end', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')]);
    await expect(locateModel('pipe', root, noHub)).rejects.toThrow(/LLMF_MODELS_FOLDER_MISSING[^]*a pipe or a socket/);
  });

  it.skipIf(process.platform === 'win32')('asks no hub for a folder that cannot be looked at', async () => {
    mkdirSync(join(root, 'mine'));
    symlinkSync('model', join(root, 'mine', 'model'));
    await expect(locateModel('mine/model', root, noHub)).rejects.toThrow(/LLMF_MODELS_FOLDER_MISSING[^]*ELOOP/);
  });

  it('knows the hub id of a snapshot folder', () => {
    expect(hubIdOf('/cache/models--Qwen--Qwen2.5-0.5B/snapshots/abc')).toBe('Qwen/Qwen2.5-0.5B');
    expect(hubIdOf('/cache/models--gpt2--')).toBe(null);
    expect(hubIdOf('/home/me/model')).toBe(null);
  });
});
