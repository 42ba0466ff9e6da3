// SPDX-License-Identifier: Apache-2.0
/** The experiments of examples/articles, each as its one command. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository, run } from '../support/command.js';
import { withoutWarning } from '../support/silent.js';

let output: string;
beforeAll(async () => {
  output = await mkdtemp(join(tmpdir(), 'llmf-articles-'));
});
afterAll(() => rm(output, { recursive: true, force: true }));

async function results<T>(name: string): Promise<T> {
  const argv = [join(repository, 'examples', 'articles', 'run.mjs'), name, '--output', output];
  const out = withoutWarning(await run(process.execPath, argv, { folder: repository }));
  return JSON.parse(out.trimEnd().split('\n').at(-1)!) as T;
}

describe('the experiments of examples/articles', { timeout: 1_800_000 }, () => {
  it('medicalgpt: 100 steps, 10 evaluations, 2 checkpoints, event files', async () => {
    const found = await results<Record<string, number | string[]>>('medicalgpt');
    expect(found).toMatchObject({ evaluations: 10, checkpoints: ['step-100', 'step-50'], eventFiles: 1 });
    expect(found['marginLast']).toBeGreaterThan(0.5);
  });

  it('frozen: what lies before the last block is the same to the bit', async () => {
    const found = await results<{ frozen: { accuracy: number }; unchangedTensors: number; trainedTensors: number }>(
      'frozen',
    );
    expect(found.frozen.accuracy).toBeGreaterThan(0.8);
    expect(found.unchangedTensors).toBeGreaterThan(0);
    expect(found.trainedTensors).toBe(12); // one block of a qwen2: 7 matrices, 3 biases, 2 norms
  });

  it('trlx: PPO and ILQL raise the reward, and so do trials of its sweep file', async () => {
    type Rewards = { rewardBefore: number; rewardAfter: number };
    type Found = {
      ppo: Rewards;
      ilql: { unsteered: number; steered: number };
      sweep: { trials: number; best: Rewards; worst: Rewards };
    };
    const { ppo, ilql, sweep } = await results<Found>('trlx');
    expect(ppo.rewardAfter).toBeGreaterThan(ppo.rewardBefore + 0.2);
    expect(ilql.steered).toBeGreaterThan(ilql.unsteered + 0.1);
    expect(sweep.trials).toBe(8);
    expect(sweep.best.rewardBefore).toBe(sweep.worst.rewardBefore);
    expect(sweep.best.rewardAfter).toBeGreaterThan(sweep.best.rewardBefore + 0.2);
    expect(sweep.best.rewardAfter).toBeGreaterThan(sweep.worst.rewardAfter);
  });

  it('llama2: DPO in 4 bits on ranked answers prefers the better ones', async () => {
    const found = await results<Record<string, number>>('llama2');
    expect(found).toMatchObject({ questions: 600, pairsPerQuestion: 3 });
    expect(found['sftLossAfter']).toBeLessThan(found['sftLossBefore']!);
    expect(found['dpoFirstLoss']).toBeCloseTo(Math.LN2, 4);
    expect(found['accuracyAfter']).toBeGreaterThan(0.7);
  });

  it('llamafactory: DPO, ORPO and SimPO prefer what the picture shows', async () => {
    const found = await results<Record<string, { accuracyBefore: number; accuracyAfter: number }>>('llamafactory');
    expect(Object.keys(found)).toEqual(['dpo', 'orpo', 'simpo']);
    for (const { accuracyBefore, accuracyAfter } of Object.values(found)) {
      expect(accuracyAfter).toBeGreaterThanOrEqual(accuracyBefore);
      expect(accuracyAfter).toBeGreaterThan(0.8);
    }
  });
});
