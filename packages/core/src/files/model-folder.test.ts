// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkModelFolder } from './model-folder.js';

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'llmf-links-'));
  folder = join(root, 'model');
  mkdirSync(join(folder, 'additional_chat_templates'), { recursive: true });
  writeFileSync(join(root, 'secret'), 'key');
  writeFileSync(join(folder, 'config.json'), '{}');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const refusal = (name: string) => ({
  code: 'LLMF_CORE_LINK_OUTSIDE',
  status: 1,
  detail: { where: join(folder, name) },
});

describe.skipIf(process.platform === 'win32')('links in a model folder', () => {
  it.each([
    ['tokenizer.json', '../secret'],
    ['model.safetensors', '../secret'],
    ['chat_template.jinja', '/etc/passwd'],
    ['tokenizer_config.json', '../model/../secret'],
    ['additional_chat_templates/tool.jinja', '../../secret'],
    ['vocab.txt', '..'],
    ['model.safetensors.index.json', '/dev/zero'],
  ])('%s → %s is refused', async (name, target) => {
    symlinkSync(target, join(folder, name));
    await expect(checkModelFolder(folder)).rejects.toMatchObject(refusal(name));
  });

  it('that lead on within it, to nothing, or from what is not read, are left', async () => {
    symlinkSync('config.json', join(folder, 'generation_config.json'));
    symlinkSync('../model/config.json', join(folder, 'processor_config.json'));
    symlinkSync('nowhere', join(folder, 'vocab.json'));
    symlinkSync('../secret', join(folder, 'README.md'));
    await checkModelFolder(folder);
    symlinkSync('model', join(root, 'link')); // the folder itself may be one: the user named it
    await checkModelFolder(join(root, 'link'));
  });

  it('through a link within it are refused', async () => {
    symlinkSync('../secret', join(folder, 'README.md'));
    symlinkSync('README.md', join(folder, 'tokenizer.json'));
    await expect(checkModelFolder(folder)).rejects.toMatchObject(refusal('tokenizer.json'));
  });

  it('of a whole folder of templates are refused', async () => {
    rmSync(join(folder, 'additional_chat_templates'), { recursive: true });
    symlinkSync('..', join(folder, 'additional_chat_templates'));
    await expect(checkModelFolder(folder)).rejects.toMatchObject(refusal('additional_chat_templates'));
  });

  it("lead from a snapshot of the hub's cache to its own blobs, and to no others", async () => {
    const snapshot = join(root, 'models--a--b', 'snapshots', 'c'.repeat(40));
    for (const name of ['a--b', 'other']) mkdirSync(join(root, `models--${name}`, 'blobs'), { recursive: true });
    for (const name of ['a--b', 'other']) writeFileSync(join(root, `models--${name}`, 'blobs', 'hash'), '{}');
    mkdirSync(snapshot, { recursive: true });
    symlinkSync('../../blobs/hash', join(snapshot, 'config.json'));
    await checkModelFolder(snapshot);
    symlinkSync('../../../models--other/blobs/hash', join(snapshot, 'tokenizer.json'));
    await expect(checkModelFolder(snapshot)).rejects.toMatchObject({ code: 'LLMF_CORE_LINK_OUTSIDE' });
  });

  it('and pipes, which would be waited for without end, are refused', async () => {
    if (spawnSync('mkfifo', [join(folder, 'tokenizer.json')]).status !== 0) return;
    await expect(checkModelFolder(folder)).rejects.toMatchObject({ code: 'LLMF_CORE_STRANGE_FILE' });
  });
});
