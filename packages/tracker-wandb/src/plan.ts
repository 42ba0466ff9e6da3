// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { readSection, type Run, type RunStarted } from '@llmf/core';
import { wandbSection, type WandbOptions } from './options.js';
import type { HistoryLine, RunFacts } from './records.js';
import { findRun, folderName } from './run-folder.js';

/** What folder and server agree on. */
export interface Plan {
  readonly facts: RunFacts;
  readonly folder: string;
  /** History of an earlier start up to where this one goes on. */
  readonly kept: readonly HistoryLine[];
  readonly mode: WandbOptions['mode'];
}

/** Characters of an id as wandb draws them. */
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

export async function planned(run: Run, { step }: RunStarted): Promise<Plan> {
  const { folder, mode, project, entity, group, runName } = readSection(run.config, wandbSection);
  const { env } = process;
  const parent = folder === null ? join(run.output, 'wandb') : resolve(run.folder, folder);
  const found = await findRun(parent, step);
  const now = new Date();
  const id = found?.id ?? Array.from({ length: 8 }, () => alphabet[randomInt(alphabet.length)]).join('');
  const facts = {
    id,
    project: project ?? env['WANDB_PROJECT'] ?? 'llmf',
    entity: entity ?? env['WANDB_ENTITY'] ?? null,
    group: group ?? env['WANDB_RUN_GROUP'] ?? null,
    name: runName ?? env['WANDB_NAME'] ?? basename(run.output),
    host: hostname(),
    startTime: now.getTime() / 1000,
    config: run.config.resolved,
  };
  return { facts, folder: found?.folder ?? join(parent, folderName(id, now)), kept: found?.lines ?? [], mode };
}
