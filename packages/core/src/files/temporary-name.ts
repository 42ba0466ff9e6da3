// SPDX-License-Identifier: Apache-2.0
/**
 * What is not whole yet has a temporary name that says whose it is, so that what a killed process left can be told from
 * what another one is writing: `.NAME.MACHINE-PID-START-THREAD-N.tmp`.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { isRunning, machine, startOf } from './process-identity.js';

let count = 0;
const owner = `${machine}-${process.pid}-${startOf(process.pid) ?? 0}-${threadId}`;

/** A name beside `path` that nobody else uses. */
export const temporaryName = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${owner}-${count++}.tmp`);

/** An empty folder for the life of this process, in the system's folder of temporary files; only its user sees into it. */
export async function temporaryFolder(name: string): Promise<string> {
  const folder = temporaryName(join(tmpdir(), name));
  await removeLeftoversOnce(tmpdir());
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

/** Removes what processes that are gone left under temporary names. What cannot be removed stays. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (await isLeftover(folder, name)) await rm(join(folder, name), { recursive: true, force: true }).catch(() => {});
  }
}

const swept = new Set<string>();

/** The same, the first time that this process asks for the folder. */
export async function removeLeftoversOnce(folder: string): Promise<void> {
  if (swept.has(folder)) return;
  swept.add(folder);
  await removeLeftovers(folder);
}

const named = /^\..+\.([0-9a-f]{8})-(\d+)-(\d+)-\d+-\d+\.tmp$/;
/** Before 0.2: `.NAME.PID-N.tmp` and `KEY.PID.tmp`, which name no machine. */
const namedBefore = /^\..+\.\d+-\d+\.tmp$|^[0-9a-f]{32}\.\d+\.tmp$/;

/** Whether a process of another machine lives cannot be seen from here: what it left is old by then. */
const longestWriteMs = 24 * 3_600_000;

async function isLeftover(folder: string, name: string): Promise<boolean> {
  const [, where, pid, start] = named.exec(name) ?? [];
  if (where === machine) return !isRunning(Number(pid)) || (start !== '0' && (startOf(Number(pid)) ?? start) !== start);
  if (where === undefined && !namedBefore.test(name)) return false;
  const found = await stat(join(folder, name)).catch(() => null);
  return found !== null && Date.now() - found.mtimeMs > longestWriteMs;
}
