// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { holderText, isLock, tryLock, waitForLock, type LockHolder, type ProcessLock } from './process-lock.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llmf-lock-'));
  file = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const leave = (holder: Partial<LockHolder>) =>
  writeFileSync(file, JSON.stringify({ pid: 1, host: hostname(), started: null, id: 'other', ...holder }));
/** A pid that was in use and is no longer. */
const deadPid = () => spawnSync('true').pid;

describe('a lock file', () => {
  it('is held by one, named to others, and gone when released', () => {
    const lock = tryLock(file) as ProcessLock;
    expect(isLock(lock)).toBe(true);
    const other = tryLock(file) as LockHolder;
    expect(isLock(other)).toBe(false);
    expect(holderText(other)).toBe(`process ${process.pid}`);
    expect(holderText({ ...other, host: 'elsewhere' })).toBe(`process ${process.pid} on elsewhere`);
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of a dead process is taken over', () => {
    leave({ pid: deadPid() });
    expect(isLock(tryLock(file))).toBe(true);
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it.runIf(process.platform === 'linux')('of a pid that another process has now is taken over', () => {
    leave({ pid: process.pid, started: '1' });
    expect(isLock(tryLock(file))).toBe(true);
  });

  it('of another machine is respected while it shows that it lives', () => {
    leave({ host: 'elsewhere', pid: 1 });
    expect(isLock(tryLock(file))).toBe(false);
    const long = new Date(Date.now() - 120_000);
    utimesSync(file, long, long);
    expect(isLock(tryLock(file))).toBe(true);
  });

  it('that says nothing is respected for a minute', () => {
    writeFileSync(file, '');
    expect(isLock(tryLock(file))).toBe(false);
    const long = new Date(Date.now() - 120_000);
    utimesSync(file, long, long);
    expect(isLock(tryLock(file))).toBe(true);
  });

  it('is not released by one who lost it', () => {
    const lock = tryLock(file) as ProcessLock;
    leave({ id: 'next' });
    lock.release();
    expect(readFileSync(file, 'utf8')).toContain('next');
  });

  it('shows other machines that its holder lives', () => {
    vi.useFakeTimers();
    const lock = tryLock(file) as ProcessLock;
    const long = new Date(Date.now() - 120_000);
    utimesSync(file, long, long);
    vi.advanceTimersByTime(10_000);
    vi.useRealTimers();
    expect(Date.now() - statSync(file).mtimeMs).toBeLessThan(60_000);
    lock.release();
  });

  it('that two found dead is broken by one, also where the first of them was killed meanwhile', () => {
    leave({ pid: deadPid() });
    const breaker = `${file}.break`;
    mkdirSync(breaker);
    expect(isLock(tryLock(file))).toBe(false); // somebody is at it
    const long = new Date(Date.now() - 60_000);
    utimesSync(breaker, long, long);
    expect(isLock(tryLock(file))).toBe(false); // removes what was left
    expect(existsSync(breaker)).toBe(false);
    expect(isLock(tryLock(file))).toBe(true);
  });

  it('is gone when its process ends without releasing it', () => {
    const lock = tryLock(file) as ProcessLock;
    const [atExit] = process.listeners('exit').slice(-1);
    (atExit as () => void)();
    expect(readdirSync(folder)).toEqual([]);
    lock.release(); // listens no longer
    expect(process.listeners('exit')).not.toContain(atExit);
  });

  it('in a folder that cannot be written is an error', () => {
    expect(() => tryLock(join(folder, 'absent', 'lock'))).toThrow('ENOENT');
  });
});

describe('waiting', () => {
  it('tells whom it waits for, once, and goes on when that one is done', async () => {
    const lock = tryLock(file) as ProcessLock;
    setTimeout(() => lock.release(), 60);
    const told: LockHolder[] = [];
    const mine = await waitForLock(file, { pollMs: 5, onWait: (holder) => told.push(holder) });
    expect(told.map(({ pid }) => pid)).toEqual([process.pid]);
    mine.release();
  });

  it('goes on when the holder is killed', async () => {
    const child = spawn('sleep', ['60']);
    leave({ pid: child.pid! });
    setTimeout(() => child.kill('SIGKILL'), 60);
    (await waitForLock(file, { pollMs: 5 })).release();
    expect(child.killed).toBe(true);
  });

  it('ends where the check throws', async () => {
    leave({ pid: process.pid });
    const check = (waitedMs: number) => {
      if (waitedMs > 20) throw new Error('long enough');
    };
    await expect(waitForLock(file, { pollMs: 5, check })).rejects.toThrow('long enough');
  });

  it('is never held by two, also where eight find it stale at once', async () => {
    leave({ pid: deadPid() });
    let holding = 0;
    const work = async () => {
      const lock = await waitForLock(file, { pollMs: 1 });
      expect(++holding).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 2));
      holding--;
      lock.release();
    };
    await Promise.all(Array.from({ length: 8 }, work));
    expect(readdirSync(folder)).toEqual([]);
  });
});
