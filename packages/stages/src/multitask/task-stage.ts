// SPDX-License-Identifier: Apache-2.0
import { StageToken, type Choice, type Named, type Run, type Stage } from '@llmf/core';
import { chosen, LossToken, noLoss, type LossStage } from '@llmf/training';
import { errors } from '../errors.js';
import type { TaskOptions } from './options.js';

/** A task of the config: a stage that minimises losses, with options that its schema parsed. */
export interface TaskStage {
  readonly name: string;
  readonly stage: Stage & LossStage & Required<Pick<LossStage, 'parts'>>;
  readonly options: Record<string, unknown>;
  readonly losses: readonly Choice[];
  readonly weight: number;
}

/** @throws LLMF_STAGES_TASK_STAGE, LLMF_STAGES_TASK_OPTION, and an unknown name's error */
export function taskStage(run: Run, name: string, { stage: named, weight, loss, ...rest }: TaskOptions): TaskStage {
  const stage = chosen(run.container, StageToken, named, `stage.tasks.${name}.stage`) as Stage & LossStage;
  if (stage.parts === undefined) throw errors.taskStage({ task: name, stage: named });
  const options = parsed(stage, rest, `stage.tasks.${name}`);
  return { name, stage: stage as TaskStage['stage'], options, losses: lossesOf(run, name, stage, loss), weight };
}

function lossesOf(run: Run, task: string, stage: Stage, loss: TaskOptions['loss']): Choice[] {
  const written = loss ?? stage.defaults?.['loss'];
  if (written === undefined || written === noLoss) return [];
  const { name, ...rest } = typeof written === 'string' ? { name: written } : written;
  const place = `stage.tasks.${task}.loss`;
  return [{ name, options: parsed(chosen(run.container, LossToken, name, place), rest, place), weight: 1 }];
}

/** @throws LLMF_STAGES_TASK_OPTION */
function parsed({ name, options: schema }: Named, given: object, place: string): Record<string, unknown> {
  const known = Object.keys(schema?.shape ?? {});
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw errors.taskOption({ place: `${place}.${unknown}`, problem: `${name} has no such option`, known });
  const result = schema?.safeParse(given);
  if (result === undefined || result.success) return (result?.data ?? {}) as Record<string, unknown>;
  const [issue] = result.error.issues;
  throw errors.taskOption({ place: [place, ...issue!.path.map(String)].join('.'), problem: issue!.message, known });
}
