// SPDX-License-Identifier: Apache-2.0
import type { Tracker } from '@llmf/core';
import { exitCodes } from './exit-codes.js';
import { HistoryLines } from './history-lines.js';
import type { WandbOptions } from './options.js';
import type { Plan } from './plan.js';
import { configAtServer, type HistoryLine } from './records.js';
import { markSynced } from './run-folder.js';
import { openRun, send, type WandbServer } from './server.js';

/** Milliseconds that one request may take. */
const timeoutMs = 10_000;

/** Sends a run to the server; where none is asked for, a tracker that does nothing. */
export async function openServer({ facts, folder, kept, mode }: Plan): Promise<Tracker> {
  const server = serverOf(mode, process.env);
  if (server === null) return { log: async () => {}, end: async () => {} };
  const run = await openRun(server, facts, configAtServer(facts));
  let summary: HistoryLine = Object.assign({}, ...kept) as HistoryLine;
  // An earlier start may not have reached the server with all of them.
  if (kept.length > 0) await send(server, run, { lines: { offset: 0, content: kept }, summary });
  const lines = new HistoryLines(facts.startTime, kept.length);
  return {
    log: (row) =>
      lines.keep(row, async (line) => {
        summary = { ...summary, ...line };
        await send(server, run, { lines: { offset: line['_step']!, content: [line] }, summary });
      }),
    async end(outcome) {
      await send(server, run, { exitCode: exitCodes[outcome] });
      await markSynced(folder, facts.id).catch(() => {}); // the folder may be what a full disk did not take
    },
  };
}

/** @throws Error where a server is asked for without a key */
export function serverOf(
  mode: WandbOptions['mode'],
  environment: Readonly<Record<string, string | undefined>>,
): WandbServer | null {
  const { WANDB_API_KEY: key, WANDB_MODE: wanted, WANDB_BASE_URL: url } = environment;
  const isOffline = ['offline', 'disabled', 'dryrun'].includes(wanted ?? '') || !key;
  if (mode === 'offline' || (mode === 'auto' && isOffline)) return null;
  if (!key) throw new Error('wandb.mode is online, but WANDB_API_KEY is not set');
  return { url: url ?? 'https://api.wandb.ai', key, timeoutMs };
}
