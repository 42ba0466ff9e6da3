// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createWriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MetricsLog, waitForLock } from '@llmf/core';
import type { Params } from '@llmf/sweep';
import { interruptedStatus } from '../io.js';
import type { Sweep } from './sweep-file.js';

/** Milliseconds between two looks at a trial's metrics. */
const lookMs = 100;
/** Of a process that found another one in its folder. */
const runningCode = 'LLMF_CORE_OUTPUT_RUNNING';
const binary = fileURLToPath(new URL('../../bin/llmf.js', import.meta.url));

export type TrialEnd =
  | { readonly kind: 'complete'; readonly value: number }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'failed'; readonly reason: string };

export interface TrialCall {
  readonly params: Params;
  /** Of the trial; what is there is gone on with. */
  readonly folder: string;
  /** Ends the trial when it is aborted. */
  readonly stop: AbortSignal;
  /** Sees each new value of the metric; true ends the trial. */
  report(step: number, value: number): Promise<boolean>;
}

/**
 * Trains one trial as `llmf train` does, in a process of its own. A process that a killed sweep left behind may still be at it,
 * or about to be: it is waited for, and its run gone on with.
 */
export async function runTrial(sweep: Sweep, call: TrialCall): Promise<TrialEnd> {
  await mkdir(call.folder, { recursive: true });
  for (;;) {
    if (!(await leftAlone(call.folder, call.stop))) return { kind: 'interrupted' };
    const end = await attempt(sweep, call);
    if (end.kind !== 'failed' || !end.reason.includes(runningCode)) return end;
    await sleep(lookMs);
  }
}

async function attempt(sweep: Sweep, { params, folder, stop, report }: TrialCall): Promise<TrialEnd> {
  const metrics = new MetricsLog(folder);
  const child = startTrain(sweep, params, folder);
  const end = () => child.process.kill('SIGINT');
  stop.addEventListener('abort', end, { once: true });
  if (stop.aborted) end();
  let told = 0;
  let isStopped = false;
  const look = async () => {
    const rows = (await metrics.rows()).filter((row) => typeof row[sweep.metric] === 'number');
    for (const row of rows) {
      const step = Number(row['step']);
      if (step <= told || isStopped) continue;
      told = step;
      isStopped = await report(step, Number(row[sweep.metric]));
      if (isStopped) end();
    }
  };
  const over = new AbortController();
  const ended = child.status.finally(() => over.abort());
  while (!over.signal.aborted) {
    await Promise.race([ended, sleep(lookMs)]);
    await look();
  }
  stop.removeEventListener('abort', end);
  const { status, text } = await ended;
  if (isStopped) return { kind: 'stopped' };
  if (status === 0) return finished(await metrics.rows(), sweep.metric);
  if (status === interruptedStatus || stop.aborted) return { kind: 'interrupted' };
  return { kind: 'failed', reason: text === '' ? `it ended with status ${String(status)}` : text };
}

/** Waits until nobody runs in the folder. Returns false where the sweep shall end before that. */
async function leftAlone(folder: string, stop: AbortSignal): Promise<boolean> {
  try {
    const lock = await waitForLock(join(folder, '.lock'), { check: () => stop.throwIfAborted() });
    lock.release();
    return true;
  } catch (error) {
    if (stop.aborted) return false;
    throw error;
  }
}

function finished(rows: readonly Readonly<Record<string, unknown>>[], metric: string): TrialEnd {
  const value = rows.map((row) => row[metric]).findLast((each) => typeof each === 'number');
  if (value !== undefined) return { kind: 'complete', value };
  const known = [...new Set(rows.flatMap((row) => Object.keys(row)))].join(', ');
  return { kind: 'failed', reason: `no ${metric} in metrics.jsonl; there are ${known}` };
}

function startTrain(sweep: Sweep, params: Params, folder: string) {
  const keys = Object.entries(params).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  const words = ['train', sweep.config, ...sweep.words, ...keys, `output=${JSON.stringify(folder)}`, '--resume'];
  const child = spawn(process.execPath, [binary, ...words], { cwd: process.cwd(), stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(join(folder, 'output.txt'), { flags: 'a' });
  let text = '';
  child.stdout.on('data', (part: Buffer) => log.write(part));
  child.stderr.on('data', (part: Buffer) => {
    log.write(part);
    text = (text + part.toString()).slice(-2000);
  });
  const status = new Promise<{ status: number | null; text: string }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      log.end();
      resolve({ status: code, text: text.trim() });
    });
  });
  return { process: child, status };
}
