// SPDX-License-Identifier: Apache-2.0
/** 12 trials by TPE and ASHA, killed 5 times, are the trials of a sweep that nobody disturbed. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { studyOf, type Line } from '@llmf/sweep';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, repository, succeeded } from '../support/command.js';
import { firstRunCopy } from '../support/first-run.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

async function written(name: string, pruner: object | null): Promise<string> {
  const steps = { 'train.maxSteps': 8, 'train.saveEvery': 2, 'train.evalEvery': 2, 'train.evalOnStart': false };
  const sweep = {
    plugins: [join(repository, 'packages', 'loss-simpo')],
    set: { loss: 'simpo', ...steps },
    space: { 'train.learningRate': { loguniform: [1e-4, 1e-2] }, 'loss.beta': { uniform: [0.5, 5] } },
    sampler: { name: 'tpe', startupTrials: 5 },
    pruner,
    trials: 12,
  };
  await writeFile(join(copy.folder, `${name}.json`), JSON.stringify(sweep));
  return `${name}.json`;
}

/** What decides of the trials: parameters, values, how far they came. */
async function trialsOf(name: string) {
  const text = await readFile(join(copy.folder, 'runs', name, 'journal.log'), 'utf8').catch(() => '');
  const whole = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean);
  const study = studyOf(whole.map((line) => JSON.parse(line) as Line));
  return (study?.trials ?? []).map(({ number, state, params, value, intermediate }) => ({
    number,
    state,
    params,
    value,
    intermediate,
  }));
}

describe.each([
  ['tpe', null],
  ['asha', { name: 'asha', minimumSteps: 2, reductionFactor: 2 }],
])('%s', (name, pruner) => {
  it('ends with the same trials', { timeout: 900_000 }, async () => {
    succeeded(await llmf(['sweep', await written(`${name}-whole`, pruner)], { folder: copy.folder }));
    const file = await written(`${name}-killed`, pruner);
    for (let kill = 1; kill <= 5; kill++) {
      const trialBegun = async (over: AbortSignal) => {
        while (!over.aborted && (await trialsOf(`${name}-killed`)).length < 2 * kill) await setTimeout(50);
        await setTimeout(300 * kill);
      };
      const { signal } = await llmf(['sweep', file, '--resume'], { folder: copy.folder, killAfter: trialBegun });
      expect(signal).toBe('SIGKILL');
    }
    succeeded(await llmf(['sweep', file, '--resume'], { folder: copy.folder }));
    const [whole, killed] = await Promise.all([trialsOf(`${name}-whole`), trialsOf(`${name}-killed`)]);
    expect(killed).toEqual(whole);
    expect(whole).toHaveLength(12);
    if (pruner !== null) expect(whole.some(({ state }) => state === 'pruned')).toBe(true);
  });
});
