// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readSafetensors } from '@llmf/core';
import { llmf, succeeded } from './command.js';

export interface KillPlan {
  readonly folder: string;
  /** Arguments of `llmf` without `--resume`; the run should log and save every step. */
  readonly argv: readonly string[];
  readonly output: string;
  readonly steps: number;
  readonly kills: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export interface KillReport {
  /** Steps that the starts resumed from; a start that was killed before it came so far has none. */
  readonly resumedFrom: readonly number[];
  /** Checkpoints that were read back after the kills. */
  readonly checkpointsRead: number;
}

/**
 * Kills a run again and again at random moments and resumes it each time; then lets it finish. After every kill each
 * checkpoint folder must be whole.
 */
export async function killAndResume(plan: KillPlan): Promise<KillReport> {
  const { folder, argv, output, kills } = plan;
  const resumedFrom: number[] = [];
  let checkpointsRead = 0;
  for (let kill = 1; kill <= kills; kill++) {
    const finished = await llmf([...argv, '--resume'], { folder, killAfter: (over) => killMoment(kill, plan, over) });
    if (finished.signal !== 'SIGKILL') {
      succeeded(finished);
      throw new Error(`finished before kill ${kill}; the run is too short`);
    }
    resumedFrom.push(...startingStep(finished));
    checkpointsRead += await readCheckpoints(output);
  }
  const finished = await llmf([...argv, '--resume'], { folder });
  succeeded(finished);
  return { resumedFrom: [...resumedFrom, ...startingStep(finished)], checkpointsRead };
}

/**
 * Every fifth kill, from the first on, comes while the program starts; the others some steps further than the last, and
 * then at any moment of a step or of its checkpoint. All of them together stay below the run's end.
 */
async function killMoment(kill: number, { output, steps, kills, random }: KillPlan, over: AbortSignal): Promise<void> {
  if (kill % 5 === 1) return await pause(500 * random(), over);
  const target = (await lastStep(output)) + 2 + Math.floor(random() * (steps / kills - 4)); // the step before it is saved
  while ((await lastStep(output)) < target) await pause(2, over);
  await pause(100 * random(), over);
}

/** Rejects when the program is over. */
const pause = (milliseconds: number, over: AbortSignal) => setTimeout(milliseconds, undefined, { signal: over });

/** The last step in a run's metrics.jsonl; 0: none yet. */
async function lastStep(output: string): Promise<number> {
  const text = await readFile(join(output, 'metrics.jsonl'), 'utf8').catch(() => '');
  return Number([...text.matchAll(/"step":(\d+),/g)].at(-1)?.[1] ?? 0);
}

function startingStep({ out, err }: { readonly out: string; readonly err: string }): number[] {
  const step = /resumed at step (\d+)/.exec(out + err)?.[1];
  return step === undefined ? [] : [Number(step)];
}

/** Reads everything in every `step-N`; how many there are. */
async function readCheckpoints(output: string): Promise<number> {
  const root = join(output, 'checkpoints');
  const names = await readdir(root).catch(() => []);
  const steps = names.filter((name) => /^step-\d+$/.test(name));
  for (const name of steps) {
    const state = JSON.parse(await readFile(join(root, name, 'state.json'), 'utf8')) as { step: number };
    if (`step-${state.step}` !== name) throw new Error(`${name} holds step ${state.step}`);
    for (const file of await readdir(join(root, name))) {
      if (file.endsWith('.safetensors')) await readSafetensors(join(root, name, file));
    }
  }
  return steps.length;
}

export const sha256 = async (file: string) =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
