// SPDX-License-Identifier: Apache-2.0
/**
 * A lock file that names the process which holds it, so that one left behind by a kill is recognised: at once on the
 * same machine, by its age on another one. It appears whole (a hard link) and is removed only by its holder, or by whoever
 * found its holder dead, one at a time.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, startOf } from './process-identity.js';
import { readTextSync } from './read-whole.js';
import { temporaryName } from './temporary-name.js';

export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** When the process began, as the system counts; null where it does not tell. Pids are used again. */
  readonly started: string | null;
  /** Distinguishes locks of one process. */
  readonly id: string;
}

export interface ProcessLock {
  release(): void;
}

export interface WaitOptions {
  /** Called once for each other holder that is waited for. */
  readonly onWait?: (holder: LockHolder) => void;
  readonly pollMs?: number;
  /** Ends the wait: whatever it throws is thrown. Called before each pause. */
  readonly check?: (waitedMs: number, holder: LockHolder) => void;
}

/** How often a holder shows on other machines that it lives, and after how long there it counts as dead. */
const heartbeatMs = 10_000;
const deadAfterMs = 60_000;
/** Removing a dead holder's lock takes microseconds. */
const breakerDeadAfterMs = 5_000;

/** The lock, or who holds it. @throws as the file system does, where no file can be made. */
export function tryLock(file: string): ProcessLock | LockHolder {
  const holder: LockHolder = { pid: process.pid, host: hostname(), started: startOf(process.pid), id: randomUUID() };
  for (let attempt = 0; attempt < 3; attempt++) {
    if (create(file, holder)) return held(file, holder);
    const other = holderOf(file);
    if (other === null) continue; // released meanwhile
    if (isAlive(other, file) || !breakLock(file, other)) return other;
  }
  return holderOf(file) ?? { ...holder, id: 'changing hands' };
}

/** Waits until nobody else alive holds the lock. */
export async function waitForLock(file: string, options: WaitOptions = {}): Promise<ProcessLock> {
  const { onWait, pollMs = 200, check } = options;
  const began = Date.now();
  let told = '';
  for (;;) {
    const result = tryLock(file);
    if (isLock(result)) return result;
    if (told !== result.id) onWait?.(result);
    told = result.id;
    check?.(Date.now() - began, result);
    await sleep(pollMs);
  }
}

export const isLock = (result: ProcessLock | LockHolder): result is ProcessLock => 'release' in result;

/** `process 123`, with its machine where that is another one. */
export const holderText = ({ pid, host }: LockHolder): string =>
  host === hostname() ? `process ${pid}` : `process ${pid} on ${host}`;

function create(file: string, holder: LockHolder): boolean {
  const temporary = temporaryName(file);
  writeFileSync(temporary, JSON.stringify(holder));
  try {
    linkSync(temporary, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS') return createWithoutLinks(file, holder);
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Some file systems have no hard links. */
function createWithoutLinks(file: string, holder: LockHolder): boolean {
  try {
    writeFileSync(file, JSON.stringify(holder), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function held(file: string, { id }: LockHolder): ProcessLock {
  const heartbeat = setInterval(() => touch(file), heartbeatMs).unref();
  const release = () => {
    clearInterval(heartbeat);
    process.off('exit', release);
    if (holderOf(file)?.id === id) rmSync(file, { force: true });
  };
  process.on('exit', release);
  return { release };
}

function touch(file: string): void {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // Removed from outside: there is nothing left to show.
  }
}

/** null when there is no lock; a file that says nothing has a holder that nobody knows. */
function holderOf(file: string): LockHolder | null {
  try {
    const { pid, host, started, id } = JSON.parse(readTextSync(file)) as LockHolder;
    if (typeof pid === 'number' && typeof host === 'string' && typeof id === 'string')
      return { pid, host, started, id };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    if (!(error instanceof SyntaxError)) throw error;
  }
  return { pid: 0, host: 'unknown', started: null, id: 'unknown' };
}

function isAlive({ pid, host, started }: LockHolder, file: string): boolean {
  if (host !== hostname()) return ageMs(file) < deadAfterMs;
  return isRunning(pid) && (started === null || startOf(pid) === started);
}

const ageMs = (path: string): number => Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());

/** Removes a dead holder's lock. One process at a time does so, or a new holder's lock could be taken for the dead one's. */
function breakLock(file: string, dead: LockHolder): boolean {
  const breaker = `${file}.break`;
  try {
    mkdirSync(breaker);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (ageMs(breaker) > breakerDeadAfterMs) rmSync(breaker, { recursive: true, force: true });
    return false;
  }
  try {
    if (holderOf(file)?.id === dead.id) rmSync(file, { force: true });
    return true;
  } finally {
    rmdirSync(breaker);
  }
}
