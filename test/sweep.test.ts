// SPDX-License-Identifier: Apache-2.0
/** `llmf sweep`: trials are runs of `llmf train`, kept in Optuna's journal, and outlive a kill. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { studyOf, type Line, type Trial } from '@llmf/sweep';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { llmf, repository, succeeded } from './support/command.js';
import { firstRunCopy, metricsOf } from './support/first-run.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
  const set = { loss: 'simpo', 'train.maxSteps': 3, 'train.saveEvery': 1, 'train.evalOnStart': false, backend: 'wasm' };
  const sweep = {
    plugins: [join(repository, 'packages', 'loss-simpo')],
    set,
    space: { 'train.learningRate': { loguniform: [1e-4, 1e-2] }, 'train.batchSize': { choice: [2, 4] } },
    sampler: 'random',
    trials: 2,
    parallel: 2,
  };
  await writeFile(join(copy.folder, 'sweep.json'), JSON.stringify(sweep));
});
afterAll(() => copy.remove());

const output = (...parts: string[]) => join(copy.folder, 'runs', 'sweep', ...parts);
async function trials(): Promise<readonly Trial[]> {
  const text = await readFile(output('journal.log'), 'utf8');
  return studyOf(text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line])))!.trials;
}

it(
  'trains trials side by side, goes on after a kill, and writes report and best config',
  { timeout: 120_000 },
  async () => {
    const checkpointed = async (over: AbortSignal) => {
      while (!over.aborted) {
        const found = await readdir(output('trials', '0000', 'checkpoints')).catch(() => []);
        if (found.some((name) => name.startsWith('step-'))) return;
        await setTimeout(20);
      }
      throw new Error('over');
    };
    const killed = await llmf(['sweep', 'sweep.json'], { folder: copy.folder, killAfter: checkpointed });
    expect(killed.signal).toBe('SIGKILL');
    const before = await trials();
    expect(before.map(({ state }) => state)).toEqual(['running', 'running']);

    const refused = await llmf(['sweep', 'sweep.json'], { folder: copy.folder });
    expect(refused.err).toMatch(/LLMF_CLI_SWEEP_IN_USE/);
    const out = succeeded(await llmf(['sweep', 'sweep.json', '--resume'], { folder: copy.folder }));
    expect(out).toMatch(/2 trials complete, 0 stopped early, 0 failed/);
    const after = await trials();
    expect(after.map(({ params }) => params)).toEqual(before.map(({ params }) => params));
    const values = await Promise.all(
      ['0000', '0001'].map(async (name) =>
        (await metricsOf(output('trials', name))).findLast((row) => 'eval_loss' in row),
      ),
    );
    expect(after.map(({ value }) => value)).toEqual(values.map((row) => row!['eval_loss']));
    const best = after.toSorted((one, other) => one.value! - other.value!)[0]!;
    expect(await readFile(output('best.yaml'), 'utf8')).toContain(
      `learningRate: ${String(best.params['train.learningRate'])}`,
    );
    expect(await readFile(output('report.html'), 'utf8')).toContain(`Trial ${best.number}: eval_loss`);
  },
);
