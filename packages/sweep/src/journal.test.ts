// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { importances } from './importance.js';
import { JournalWriter, studyOf } from './journal.js';
import { spaceOf, type Space } from './strategies.js';
import { trialOf } from './support/trials.js';
import { bestOf } from './trial.js';

const time = new Date('2026-01-31T23:59:59.123Z');
const { distribution: rate } = spaceOf('loguniform', [1e-5, 1e-2]) as Space;
const { distribution: schedule } = spaceOf('choice', ['linear', null]) as Space;

describe('the journal', () => {
  const writer = new JournalWriter('w');
  const params = { rate: 1e-3, schedule: null };
  const lines = [
    writer.study('s', 'minimize'),
    writer.studyAttribute('llmf', { a: 1 }),
    writer.trial(params, { rate, schedule }, { folder: 'f' }, time),
    writer.intermediate(0, 5, 0.5),
    writer.rung(0, 0, 0.5),
    writer.end(0, 'pruned', 0.5, time),
    writer.trial(params, { rate, schedule }, {}, time),
  ];

  it('gives back what was told, also after it was text', () => {
    const study = studyOf(JSON.parse(JSON.stringify(lines)) as typeof lines)!;
    expect(study).toMatchObject({ name: 's', direction: 'minimize', attributes: { llmf: { a: 1 } } });
    expect(study.trials).toHaveLength(2);
    expect(study.trials[0]).toEqual({
      number: 0,
      state: 'pruned',
      params,
      distributions: { rate, schedule },
      value: 0.5,
      intermediate: new Map([[5, 0.5]]),
      rungs: [0.5],
      attributes: { folder: 'f' },
      started: '2026-01-31T23:59:59.123000+00:00',
      ended: '2026-01-31T23:59:59.123000+00:00',
    });
    expect(study.trials[1]).toMatchObject({ number: 1, state: 'running', value: null });
    expect(studyOf([])).toBeNull();
  });

  it('refuses what it does not know', () => {
    expect(() => studyOf([lines[0]!, { op_code: 10, trial_id: 0 }])).toThrow(/a trial that is not there/);
    expect(() => studyOf([...lines.slice(0, 3), { op_code: 10, trial_id: 0 }])).toThrow(/operation 10 is not known/);
  });
});

it('the best is the best of the complete', () => {
  const trials = [
    trialOf({ number: 0, value: 3 }),
    trialOf({ number: 1, value: 1, state: 'pruned' }),
    trialOf({ number: 2, value: 2 }),
    trialOf({ number: 3, state: 'failed' }),
  ];
  expect(bestOf(trials, 'minimize')?.number).toBe(2);
  expect(bestOf(trials, 'maximize')?.number).toBe(0);
  expect(bestOf([], 'minimize')).toBeNull();
});

describe('importance', () => {
  const trials = Array.from({ length: 20 }, (_, number) => {
    const params = { rate: number, other: (number * 7) % 20, schedule: number % 2 === 0 ? 'a' : 'b' };
    const distributions = { rate, other: rate, schedule };
    return trialOf({ number, value: number ** 2, params, distributions });
  });

  it('is 1 where the value follows the parameter in any rising way, and near 0 where it does not', () => {
    const { rate: own, other, schedule: choice } = importances(trials);
    expect(own).toBeCloseTo(1, 12);
    expect(other).toBeLessThan(0.2);
    // ranks of even and odd numbers differ by 1 in the mean: η² = 20 · 0.25 / 665
    expect(choice).toBeCloseTo((20 * 0.25) / 665, 12);
  });

  it('needs three values', () => {
    expect(importances(trials.slice(0, 2))).toEqual({});
  });
});
