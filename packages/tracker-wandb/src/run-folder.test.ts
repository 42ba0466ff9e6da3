// SPDX-License-Identifier: Apache-2.0
import { appendFile, mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { recordsOf } from './log-frames.js';
import { serverOf } from './online.js';
import { historyOf, stepMetric, type RunFacts } from './records.js';
import { findRun, folderName, RunFolder } from './run-folder.js';

let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'llmf-wandb-'));
});
afterAll(() => rm(parent, { recursive: true }));

const facts: RunFacts = {
  id: 'abc12345',
  project: 'p',
  entity: null,
  group: null,
  name: 'n',
  host: 'h',
  startTime: 1.5,
  config: { train: { batchSize: 2 } },
};
const line = (step: number) => ({ 'train/loss': 1 / step, [stepMetric]: step, _step: step - 1 });
const folder = () => join(parent, folderName(facts.id, new Date(2026, 0, 31, 23, 59, 59)));
const file = () => join(folder(), `run-${facts.id}.wandb`);

describe('a run’s folder', () => {
  it('goes on behind a checkpoint, without what a kill left behind it', async () => {
    expect(folder()).toMatch(/offline-run-20260131_235959-abc12345$/);
    const log = await RunFolder.begin(folder(), facts, []);
    for (const step of [1, 2, 3]) await log.add(line(step));
    await appendFile(file(), Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9]));
    expect(await findRun(parent, 0)).toBeNull();
    const found = await findRun(parent, 2);
    expect(found).toEqual({ id: facts.id, folder: folder(), lines: [line(1), line(2)] });
    const more = await RunFolder.begin(folder(), facts, found!.lines);
    await more.add(line(3));
    await more.exit(0, 5);
    const records = recordsOf(await readFile(file()));
    expect(records.map(historyOf).filter((each) => each !== null)).toEqual([1, 2, 3].map(line));
    expect(records).toHaveLength(4 + 3 * 2 + 1); // head, run, two metrics; summary and history each; exit
    expect(records.map((record) => record[1])).toEqual(records.map((_, index) => index + 1)); // their numbers
  });

  it('is whole where the system takes a part of the bytes at a time', async () => {
    const log = await RunFolder.begin(folder(), facts, []);
    const handle = await open(file());
    const handles = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    const whole = handles.write as (...call: unknown[]) => Promise<unknown>;
    const half = function (this: unknown, bytes: Buffer, at: number, size: number, to: number) {
      return whole.call(this, bytes, at, Math.ceil(size / 2), to);
    };
    vi.spyOn(handles, 'write').mockImplementation(half as never);
    await log.add(line(1));
    vi.restoreAllMocks();
    await log.add(line(2));
    const kept = recordsOf(await readFile(file())).map(historyOf);
    expect(kept.filter((each) => each !== null)).toEqual([line(1), line(2)]);
  });

  it('writes over what a full disk cut off', async () => {
    const log = await RunFolder.begin(folder(), facts, []);
    await log.add(line(1));
    const whole = await readFile(file());
    await writeFile(file(), Buffer.concat([whole, Buffer.from('half of a rec')]));
    await log.add(line(2));
    const kept = recordsOf(await readFile(file())).map(historyOf);
    expect(kept.filter((each) => each !== null)).toEqual([line(1), line(2)]);
  });

  it.skipIf(process.platform === 'win32')('whose history cannot be read is not begun without it', async () => {
    const other = join(parent, 'other');
    const found = join(other, folderName(facts.id, new Date(2026, 0, 31)));
    await mkdir(found, { recursive: true });
    await symlink(`run-${facts.id}.wandb`, join(found, `run-${facts.id}.wandb`));
    await expect(findRun(other, 2)).rejects.toThrow(/ELOOP/);
  });

  it('is not there in a folder of others', async () => {
    expect(await findRun(join(parent, 'nowhere'), 3)).toBeNull();
  });
});

describe('the server', () => {
  it('is asked where a key is set, unless told otherwise', () => {
    const key = { WANDB_API_KEY: 'k' };
    expect(serverOf('auto', {})).toBeNull();
    expect(serverOf('auto', key)).toMatchObject({ url: 'https://api.wandb.ai', key: 'k' });
    expect(serverOf('auto', { ...key, WANDB_BASE_URL: 'http://here' })).toMatchObject({ url: 'http://here' });
    expect(serverOf('auto', { ...key, WANDB_MODE: 'offline' })).toBeNull();
    expect(serverOf('offline', key)).toBeNull();
    expect(serverOf('online', { ...key, WANDB_MODE: 'offline' })).not.toBeNull();
    expect(() => serverOf('online', {})).toThrow(/WANDB_API_KEY is not set/);
  });
});
