// SPDX-License-Identifier: Apache-2.0
import type { Tracker } from '@llmf/core';
import { exitCodes } from './exit-codes.js';
import { HistoryLines } from './history-lines.js';
import type { Plan } from './plan.js';
import { RunFolder } from './run-folder.js';

/** Keeps a run in its folder. */
export async function openFolder({ facts, folder, kept }: Plan): Promise<Tracker> {
  const log = await RunFolder.begin(folder, facts, kept);
  const lines = new HistoryLines(facts.startTime, kept.length);
  return {
    log: (row) => lines.keep(row, (line) => log.add(line)),
    end: (outcome) => log.exit(exitCodes[outcome], Date.now() / 1000 - facts.startTime),
  };
}
