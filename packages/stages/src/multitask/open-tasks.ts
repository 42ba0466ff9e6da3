// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import {
  checkHeldOut,
  checkReference,
  lossTermsOf,
  Objective,
  ObjectiveLoop,
  openPolicy,
  openReference,
  peakLearningRate,
  Rows,
  Updater,
  type LossStage,
  type Policy,
  type RunTerms,
  type StageParts,
} from '@llmf/training';
import { errors } from '../errors.js';
import type { MultitaskOptions } from './options.js';
import { taskStage, type TaskStage } from './task-stage.js';

export interface OpenTask {
  readonly name: string;
  readonly weight: number;
  readonly rows: Rows;
  readonly loop: ObjectiveLoop;
}
export interface OpenTasks {
  readonly tasks: readonly OpenTask[];
  readonly updater: Updater;
}

interface Planned extends TaskStage, RunTerms {
  readonly own: StageParts;
}

/** One policy and one updater; for each task its rows and its objective. */
export async function openTasks(run: Run, stage: LossStage, { tasks: given }: MultitaskOptions): Promise<OpenTasks> {
  const named = Object.entries(given).map(([name, options]) => taskStage(run, name, options));
  if (named.length < 2) throw errors.tasks({ tasks: named.map(({ name }) => name) });
  const planned: Planned[] = [];
  for (const task of named) {
    const own = await task.stage.parts(run, task.options as never, { task: task.name });
    planned.push({ ...task, own, ...lossTermsOf(run, task.stage, own.terms, task.losses) });
  }
  const policy = await openPolicy(
    run,
    planned.flatMap(({ needs }) => needs.heads ?? []),
  );
  const updater = new Updater(run, policy.variables, peakLearningRate(run, stage, policy));
  const tasks: OpenTask[] = [];
  for (const task of planned) tasks.push(await openTask(run, policy, updater, task));
  checkHeldOut(
    run,
    tasks.map(({ rows }) => rows.evaluation),
  );
  return { tasks, updater };
}

async function openTask(run: Run, policy: Policy, updater: Updater, task: Planned): Promise<OpenTask> {
  const { name, weight, stage, needs, terms, own } = task;
  const wantsPrompt = needs.span === 'all';
  if (needs.reference !== 'none') await checkReference(run, policy, wantsPrompt);
  const rows = await Rows.open(run, policy.model, {
    rows: stage.rows,
    columns: needs.columns ?? [],
    mismatched: needs.mismatched ?? false,
    coupling: needs.coupling,
    task: name,
    ...(own.labels !== undefined && { labels: own.labels }),
    ...(own.changes !== undefined && { changes: own.changes }),
  });
  const reference = needs.reference === 'none' ? null : await openReference(run, policy, rows.splits, { wantsPrompt });
  const ownHeads = new Set(needs.heads?.map((head) => head.name));
  const heads = new Map([...policy.heads].filter(([head]) => ownHeads.has(head)));
  const objective = new Objective(run, { ...policy, heads }, terms, needs, reference);
  return { name, weight, rows, loop: new ObjectiveLoop(run, { policy, rows, objective, updater }) };
}
