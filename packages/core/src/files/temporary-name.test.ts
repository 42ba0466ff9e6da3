// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileAtomic } from './atomic-write.js';
import { removeLeftovers, temporaryFolder, temporaryName } from './temporary-name.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llmf-names-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A pid that was in use and is no longer. */
const deadPid = () => spawnSync('true').pid;
const ofProcess = (name: string, pid: number) =>
  temporaryName(join(folder, name)).replace(`-${process.pid}-`, `-${pid}-`);

describe('what is left under a temporary name', () => {
  it('is removed once its process is gone, file or folder, and nothing else is', async () => {
    const mine = temporaryName(join(folder, 'mine'));
    writeFileSync(mine, 'being written');
    writeFileSync(ofProcess('dead.json', deadPid()), 'half');
    mkdirSync(join(ofProcess('dead', deadPid()), 'inside'), { recursive: true });
    for (const other of ['notes.tmp', '.notes.tmp', 'rows.json']) writeFileSync(join(folder, other), 'of the user');
    await removeLeftovers(folder);
    expect(readdirSync(folder).sort()).toEqual(['.notes.tmp', 'notes.tmp', 'rows.json', basename(mine)].sort());
  });

  it.runIf(process.platform === 'linux')('is removed where another process has the pid now', async () => {
    writeFileSync(ofProcess('old', process.pid).replace(/-(\d+)-(\d+)-(\d+)\.tmp$/, '-1-$2-$3.tmp'), 'half');
    await removeLeftovers(folder);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('by another machine, or an older version, is removed when it is a day old', async () => {
    const names = ['.a.01234567-1-5-0-0.tmp', '.files.123-4.tmp', `${'0123456789abcdef'.repeat(2)}.77.tmp`];
    for (const name of names) writeFileSync(join(folder, name), 'half');
    await removeLeftovers(folder);
    expect(readdirSync(folder)).toHaveLength(3);
    const before = new Date(Date.now() - 25 * 3_600_000);
    for (const name of names) utimesSync(join(folder, name), before, before);
    await removeLeftovers(folder);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('goes when the next file is written into the folder', async () => {
    writeFileSync(ofProcess('dead.json', deadPid()), 'half');
    await writeFileAtomic(join(folder, 'new'), 'whole');
    expect(readdirSync(folder)).toEqual(['new']);
  });
});

it('a temporary folder is empty, its own, and closed to others', async () => {
  const [one, two] = [await temporaryFolder('llmf-test'), await temporaryFolder('llmf-test')];
  expect(one).not.toBe(two);
  expect(readdirSync(one)).toEqual([]);
  if (process.platform !== 'win32') expect(statSync(one).mode & 0o077).toBe(0);
  for (const each of [one, two]) rmSync(each, { recursive: true });
});
