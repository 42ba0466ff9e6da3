// SPDX-License-Identifier: Apache-2.0
/**
 * Optuna's journal (storages/journal/_storage.py, 5.0): one JSON object a line, each an operation; the state of a study is
 * what all lines amount to in order. Optuna and its dashboard read the file as it grows.
 */
import { distributionJson, distributionOf, toExternal, toInternal, type Distribution } from './distribution.js';
import type { Params } from './sampler.js';
import { states, type Direction, type Trial, type TrialState } from './trial.js';

/** JournalOperation. */
const operations = {
  createStudy: 0,
  setStudyAttribute: 2,
  createTrial: 4,
  setParam: 5,
  setState: 6,
  setIntermediate: 7,
  setAttribute: 8,
  setSystemAttribute: 9,
} as const;
const directions: readonly (Direction | null)[] = [null, 'minimize', 'maximize'];

export type Line = Readonly<Record<string, unknown>>;

/** Lines of one writer. */
export class JournalWriter {
  /** @param worker a name that no other writer has */
  constructor(private readonly worker: string) {}

  study(name: string, direction: Direction): Line {
    return this.line(operations.createStudy, { study_name: name, directions: [directions.indexOf(direction)] });
  }

  studyAttribute(key: string, value: unknown): Line {
    return this.line(operations.setStudyAttribute, { study_id: 0, user_attr: { [key]: value } });
  }

  /** A trial that runs, whole in one line. */
  trial(
    params: Params,
    distributions: Readonly<Record<string, Distribution>>,
    attributes: Readonly<Record<string, unknown>>,
    time: Date,
  ): Line {
    const entries = Object.entries(distributions);
    return this.line(operations.createTrial, {
      study_id: 0,
      datetime_start: isoTime(time),
      state: states.indexOf('running'),
      value: null,
      values: null,
      distributions: Object.fromEntries(entries.map(([name, each]) => [name, distributionJson(each)])),
      params: Object.fromEntries(entries.map(([name, each]) => [name, toInternal(each, params[name]!)])),
      user_attrs: attributes,
      system_attrs: {},
      intermediate_values: {},
    });
  }

  intermediate(trial: number, step: number, value: number): Line {
    return this.line(operations.setIntermediate, { trial_id: trial, step, intermediate_value: value });
  }

  attribute(trial: number, key: string, value: unknown): Line {
    return this.line(operations.setAttribute, { trial_id: trial, user_attr: { [key]: value } });
  }

  rung(trial: number, rung: number, value: number): Line {
    return this.line(operations.setSystemAttribute, {
      trial_id: trial,
      system_attr: { [`completed_rung_${rung}`]: value },
    });
  }

  end(trial: number, state: TrialState, value: number | null, time: Date): Line {
    const values = value === null ? null : [value];
    const ended = { trial_id: trial, state: states.indexOf(state), values, datetime_complete: isoTime(time) };
    return this.line(operations.setState, ended);
  }

  private line(operation: number, fields: Line): Line {
    return { op_code: operation, worker_id: this.worker, ...fields };
  }
}

/** `2026-01-31T23:59:59.123000+00:00`, which Python 3.8 reads too. */
const isoTime = (time: Date): string => time.toISOString().replace('Z', '000+00:00');

export interface Study {
  readonly name: string;
  readonly direction: Direction;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly trials: readonly Trial[];
}

type Growing = { -readonly [Key in keyof Trial]: Trial[Key] };

/** What the lines of a file with one study amount to; null: no study. @throws Error for an operation that is not known here */
export function studyOf(lines: readonly Line[]): Study | null {
  let study: { name: string; direction: Direction; attributes: Record<string, unknown> } | null = null;
  const trials: Growing[] = [];
  for (const line of lines) {
    if (line['op_code'] === operations.createStudy) {
      const direction = directions[(line['directions'] as number[])[0]!] ?? 'minimize';
      study ??= { name: String(line['study_name']), direction, attributes: {} };
    } else if (line['op_code'] === operations.setStudyAttribute) {
      Object.assign(study?.attributes ?? {}, line['user_attr']);
    } else if (line['op_code'] === operations.createTrial) trials.push(begun(line, trials.length));
    else change(trials[Number(line['trial_id'])], line);
  }
  return study === null ? null : { ...study, trials };
}

function begun(line: Line, number: number): Growing {
  const given = (line['distributions'] ?? {}) as Readonly<Record<string, string>>;
  const distributions = Object.fromEntries(Object.entries(given).map(([name, json]) => [name, distributionOf(json)]));
  const internal = Object.entries((line['params'] ?? {}) as Readonly<Record<string, number>>);
  return {
    number,
    state: states[Number(line['state'] ?? 0)]!,
    params: Object.fromEntries(internal.map(([name, value]) => [name, toExternal(distributions[name]!, value)])),
    distributions,
    value: (line['value'] as number | undefined) ?? null,
    intermediate: new Map(),
    rungs: [],
    attributes: { ...(line['user_attrs'] as object | undefined) },
    started: (line['datetime_start'] as string | undefined) ?? null,
    ended: null,
  };
}

function change(trial: Growing | undefined, line: Line): void {
  if (trial === undefined) throw new Error(`operation ${String(line['op_code'])} of a trial that is not there`);
  switch (line['op_code']) {
    case operations.setParam: {
      const name = String(line['param_name']);
      const distribution = distributionOf(String(line['distribution']));
      trial.distributions = { ...trial.distributions, [name]: distribution };
      trial.params = { ...trial.params, [name]: toExternal(distribution, Number(line['param_value_internal'])) };
      return;
    }
    case operations.setState:
      trial.state = states[Number(line['state'])]!;
      trial.value = (line['values'] as number[] | null)?.[0] ?? null;
      trial.ended = (line['datetime_complete'] as string | undefined) ?? null;
      return;
    case operations.setIntermediate:
      trial.intermediate = new Map([...trial.intermediate, [Number(line['step']), Number(line['intermediate_value'])]]);
      return;
    case operations.setAttribute:
      trial.attributes = { ...trial.attributes, ...(line['user_attr'] as object) };
      return;
    case operations.setSystemAttribute: {
      const rungs = Object.entries(line['system_attr'] as object).filter(([key]) => key.startsWith('completed_rung_'));
      if (rungs.length > 0) trial.rungs = [...trial.rungs, ...rungs.map(([, value]) => value as number)];
      return;
    }
    default:
      throw new Error(`operation ${String(line['op_code'])} is not known here`);
  }
}
