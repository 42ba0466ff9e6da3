// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isLock, tryLock, type ProcessLock } from '@llmf/core';
import {
  ashaDecision,
  Draws,
  JournalWriter,
  studyOf,
  type Line,
  type Params,
  type Study,
  type Trial,
  type TrialState,
} from '@llmf/sweep';
import { LineFile } from '../line-file.js';
import { sweepErrors } from './sweep-errors.js';
import type { Sweep } from './sweep-file.js';

/** Under it the file's own keys are kept with the study. */
const decidingKey = 'llmf';
const stoppedKey = 'stopped';
const goOn = { isStopped: false, reached: [] };
/** Was the trial told to end before the sweep could take note that it did? */
export const isStopped = ({ attributes }: Trial): boolean => stoppedKey in attributes;
export const folderOfTrial = (sweep: Sweep, number: number): string =>
  join(sweep.output, 'trials', String(number).padStart(4, '0'));

/** A sweep's trials, kept in Optuna's journal: whatever is told is on the disk. */
export class SweepState {
  private readonly writer = new JournalWriter(randomUUID());

  private constructor(
    private readonly sweep: Sweep,
    private readonly file: LineFile,
    private readonly lock: ProcessLock,
    private readonly lines: Line[],
  ) {}

  /** @throws LLMF_CLI_SWEEP_IN_USE, …_RUNNING, …_CHANGED, …_JOURNAL */
  static async open(sweep: Sweep, resume: boolean): Promise<SweepState> {
    await mkdir(sweep.output, { recursive: true });
    const lock = tryLock(join(sweep.output, 'sweep.lock'));
    if (!isLock(lock)) throw sweepErrors.sweepRunning({ folder: sweep.output, ...lock });
    const path = join(sweep.output, 'journal.log');
    const file = await LineFile.open(path);
    try {
      const lines = parsed(file.lines, path);
      const state = new SweepState(sweep, file, lock, lines);
      await state.begin(path, resume);
      return state;
    } catch (error) {
      await file.close();
      lock.release();
      throw error;
    }
  }

  private async begin(path: string, resume: boolean): Promise<void> {
    const { sweep, writer } = this;
    const study = checkedStudy(this.lines, path);
    if (study === null) {
      await this.append(writer.study(sweep.name, sweep.direction), writer.studyAttribute(decidingKey, sweep.deciding));
      return;
    }
    if (!resume) throw sweepErrors.sweepInUse({ folder: sweep.output });
    const before = (study.attributes[decidingKey] ?? {}) as Readonly<Record<string, unknown>>;
    const now = JSON.parse(JSON.stringify(sweep.deciding)) as Readonly<Record<string, unknown>>;
    const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
    const changed = keys.filter((key) => !isDeepStrictEqual(before[key], now[key]));
    if (changed.length > 0) throw sweepErrors.sweepChanged({ keys: changed, folder: sweep.output });
  }

  get study(): Study {
    return studyOf(this.lines)!;
  }

  get trials(): readonly Trial[] {
    return this.study.trials;
  }

  /** The next trial, told before it is run. */
  async ask(): Promise<Trial> {
    const { sweep, writer } = this;
    const { trials } = this;
    const number = trials.length;
    const draws = new Draws(sweep.seed, number);
    const params: Params = sweep.sampler.params({
      number,
      space: sweep.space,
      trials,
      direction: sweep.direction,
      draws,
    });
    const distributions = Object.fromEntries(
      Object.entries(sweep.space).map(([key, each]) => [key, each.distribution]),
    );
    const attributes = { folder: folderOfTrial(sweep, number) };
    await this.append(writer.trial(params, distributions, attributes, new Date()));
    return this.trials[number]!;
  }

  /**
   * Takes note of a value. Returns whether the trial shall end; a trial that shall is marked in the same breath, so that a
   * sweep killed before it ended does not let it go on.
   */
  async report(number: number, step: number, value: number): Promise<boolean> {
    const { sweep, writer } = this;
    const before = this.trials[number]!;
    const isNew = !before.intermediate.has(step);
    const trial = isNew ? { ...before, intermediate: new Map([...before.intermediate, [step, value]]) } : before;
    const decision = sweep.pruner === null ? goOn : ashaDecision(trial, this.trials, sweep.direction, sweep.pruner);
    await this.append(
      ...(isNew ? [writer.intermediate(number, step, value)] : []),
      ...decision.reached.map((each, at) => writer.rung(number, trial.rungs.length + at, each)),
      ...(decision.isStopped ? [writer.attribute(number, stoppedKey, step)] : []),
    );
    return decision.isStopped;
  }

  async end(number: number, state: TrialState, value: number | null, reason?: string): Promise<void> {
    const told = reason === undefined ? [] : [this.writer.attribute(number, 'reason', reason)];
    await this.append(...told, this.writer.end(number, state, value, new Date()));
  }

  async close(): Promise<void> {
    await this.file.close();
    this.lock.release();
  }

  private async append(...lines: readonly Line[]): Promise<void> {
    if (lines.length === 0) return;
    this.lines.push(...lines);
    await this.file.append(...lines);
  }
}

function parsed(texts: readonly string[], file: string): Line[] {
  return texts.map((text, at) => {
    try {
      return JSON.parse(text) as Line;
    } catch {
      throw sweepErrors.sweepJournal({ file: `${file}:${at + 1}`, reason: text.slice(0, 80) });
    }
  });
}

function checkedStudy(lines: readonly Line[], file: string): Study | null {
  try {
    return studyOf(lines);
  } catch (error) {
    throw sweepErrors.sweepJournal({ file, reason: (error as Error).message });
  }
}
