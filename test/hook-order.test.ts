// SPDX-License-Identifier: Apache-2.0
import { apiVersion } from '@llmf/core';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, succeeded } from './support/command.js';
import { firstRunCopy } from './support/first-run.js';

/** Taps every hook of a run and writes down the order in which they first fire. */
const recorder = `
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
export default () => ({
  name: 'recorder',
  apiVersion: ${apiVersion},
  apply(engine) {
    engine.hooks.run.tap('recorder', (run) => {
      const fired = [];
      const sets = { run: run.hooks, training: run.container.resolve(Symbol.for('llmf:training-hooks')) };
      run.hooks.shutdown.tap('written', () => {
        const declared = Object.fromEntries(Object.entries(sets).map(([set, hooks]) => [set, Object.keys(hooks)]));
        writeFileSync(join(run.output, 'hooks.json'), JSON.stringify({ declared, fired }));
      });
      for (const [set, hooks] of Object.entries(sets)) {
        for (const [name, hook] of Object.entries(hooks)) {
          hook.tap('recorder', (value) => (fired.push(set + '.' + name), name === 'stopping' ? undefined : value));
        }
      }
    });
  },
});
`;

interface Recorded {
  readonly declared: Record<'run' | 'training', string[]>;
  readonly fired: string[];
}

describe('the hooks of a recorded run', () => {
  let copy: Awaited<ReturnType<typeof firstRunCopy>>;
  let recorded: Recorded;
  beforeAll(async () => {
    copy = await firstRunCopy();
    await writeFile(join(copy.folder, 'recorder.mjs'), recorder);
    const often = [
      'train.maxSteps=3',
      'train.logEvery=1',
      'train.evalEvery=1',
      'train.saveEvery=1',
      'train.evalOnStart=false',
    ];
    const words = ['train', '--plugin', 'loss-simpo', '--plugin', './recorder.mjs', 'output=out', ...often];
    succeeded(await llmf(words, { folder: copy.folder }));
    recorded = JSON.parse(await readFile(join(copy.folder, 'out', 'hooks.json'), 'utf8')) as Recorded;
  });
  afterAll(() => copy.remove());

  const firstOf = (set: 'run' | 'training') => [
    ...new Set(recorded.fired.filter((name) => name.startsWith(`${set}.`)).map((name) => name.slice(set.length + 1))),
  ];

  it('of the run fire in the order they are declared in', () => {
    // Taps of shutdown run in reverse order, so that what writes this down comes last. A run that succeeds has no failure.
    const expected = recorded.declared.run.filter((name) => name !== 'failure');
    expect(expected).toHaveLength(9);
    expect(firstOf('run')).toEqual(expected);
  });

  it('of training fire in the order they are declared in', () => {
    expect(recorded.declared.training).toHaveLength(7);
    expect(firstOf('training')).toEqual(recorded.declared.training);
  });

  it('repeat with the steps', () => {
    const count = (name: string) => recorded.fired.filter((each) => each === name).length;
    expect([count('run.stepDone'), count('run.evaluated'), count('run.checkpoint')]).toEqual([3, 3, 3]);
    expect([count('training.modelLoaded'), count('training.lossTerms'), count('training.gradientsReady')]).toEqual([
      1, 1, 3,
    ]);
  });
});
