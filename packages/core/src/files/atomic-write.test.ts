// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addFilesAtomic, replaceFile, writeFileAtomic, writeFolderAtomic } from './atomic-write.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'llmf-atomic-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const contents = async (folder: string) => (await readdir(folder)).sort();

describe('writeFileAtomic', () => {
  it('writes text and bytes and replaces what was there', async () => {
    const file = join(root, 'file');
    await writeFileAtomic(file, 'one');
    await writeFileAtomic(file, Uint8Array.of(50));
    expect(await readFile(file, 'utf8')).toBe('2');
    expect(await contents(root)).toEqual(['file']);
  });

  it.skipIf(process.platform === 'win32')('replaces neither a device nor a pipe nor a link', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')]);
    for (const path of [join(root, 'pipe'), '/dev/null', root]) {
      await expect(writeFileAtomic(path, 'x')).rejects.toThrow('LLMF_CORE_NOT_REGULAR_FILE');
    }
    await writeFile(join(root, 'aim'), 'old');
    await symlink(join(root, 'aim'), join(root, 'link'));
    await writeFileAtomic(join(root, 'link'), 'new');
    expect(await readFile(join(root, 'aim'), 'utf8')).toBe('new');
    expect((await lstat(join(root, 'link'))).isSymbolicLink()).toBe(true);
    for (const name of ['pipe', 'aim', 'link']) await rm(join(root, name));
  });

  it('keeps the old file and leaves nothing behind when writing fails', async () => {
    const file = join(root, 'file');
    await writeFileAtomic(file, 'old');
    const failing = replaceFile(file, async (temporary) => {
      await writeFile(temporary, 'half');
      throw new Error('power cut');
    });
    await expect(failing).rejects.toThrow('power cut');
    expect(await readFile(file, 'utf8')).toBe('old');
    expect(await contents(root)).toEqual(['file']);
  });

  it.skipIf(!existsSync('/dev/full'))('names a full disk and what was kept', async () => {
    const file = join(root, 'file');
    await writeFileAtomic(file, 'old');
    const failing = replaceFile(file, () => writeFile('/dev/full', 'x'));
    await expect(failing).rejects.toMatchObject({ code: 'LLMF_CORE_NO_SPACE', status: 1 });
    await expect(failing).rejects.toThrow(/no space left on the disk[^]*file[^]*unchanged/);
    expect(await readFile(file, 'utf8')).toBe('old');
  });
});

it.each(['ENOSPC', 'EDQUOT'])('a disk or quota that is full has a code: %s', async (code) => {
  const fill = () => Promise.reject(Object.assign(new Error('full'), { code }));
  await expect(replaceFile(join(root, 'full'), fill)).rejects.toMatchObject({ code: 'LLMF_CORE_NO_SPACE' });
  await expect(writeFolderAtomic(join(root, 'full'), fill)).rejects.toMatchObject({ code: 'LLMF_CORE_NO_SPACE' });
});

describe('writeFolderAtomic', () => {
  it('shows the folder only when it is filled', async () => {
    const folder = join(root, 'whole');
    await writeFolderAtomic(folder, async (temporary) => {
      await mkdir(join(temporary, 'deep'));
      await writeFile(join(temporary, 'deep', 'a'), 'a');
      expect(existsSync(folder)).toBe(false);
    });
    expect(await readFile(join(folder, 'deep', 'a'), 'utf8')).toBe('a');
  });

  it('leaves no folder when filling fails', async () => {
    const folder = join(root, 'broken');
    const failing = writeFolderAtomic(folder, async (temporary) => {
      await writeFile(join(temporary, 'a'), 'a');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect((await contents(root)).filter((name) => name.includes('broken'))).toEqual([]);
  });

  it('does not touch a folder that is in use', async () => {
    const folder = join(root, 'used');
    await mkdir(folder);
    await writeFile(join(folder, 'mine'), 'mine');
    const failing = writeFolderAtomic(folder, () => Promise.resolve());
    await expect(failing).rejects.toMatchObject({ code: 'LLMF_CORE_FOLDER_IN_USE' });
    expect(await contents(folder)).toEqual(['mine']);
  });
});

describe('addFilesAtomic', () => {
  it('adds beside what is there and replaces equal names', async () => {
    const folder = join(root, 'shared');
    await mkdir(folder);
    await writeFile(join(folder, 'mine'), 'mine');
    await writeFile(join(folder, 'b'), 'old');
    await addFilesAtomic(folder, async (temporary) => {
      await writeFile(join(temporary, 'a'), 'a');
      await writeFile(join(temporary, 'b'), 'new');
    });
    expect(await contents(folder)).toEqual(['a', 'b', 'mine']);
    expect(await readFile(join(folder, 'b'), 'utf8')).toBe('new');
  });

  it('changes nothing when filling fails', async () => {
    const folder = join(root, 'shared');
    const failing = addFilesAtomic(folder, async (temporary) => {
      await writeFile(join(temporary, 'b'), 'half');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await readFile(join(folder, 'b'), 'utf8')).toBe('new');
    expect(await contents(folder)).toEqual(['a', 'b', 'mine']);
  });

  it('takes back what it added where a later name cannot move in', async () => {
    const folder = join(root, 'in-the-way');
    await mkdir(join(folder, 'b', 'full'), { recursive: true });
    const failing = addFilesAtomic(folder, async (temporary) => {
      await writeFile(join(temporary, 'a'), 'a');
      await writeFile(join(temporary, 'b'), 'a file where a folder is');
    });
    await expect(failing).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST|EPERM/);
    expect(await contents(folder)).toEqual(['b']);
  });
});
