// SPDX-License-Identifier: Apache-2.0
/** Stage `online-dpo`, whole runs on the first run's model. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import algoOnlineDpo from '@llmf/algo-online-dpo';
import type { LlmfError } from '@llmf/core';
import lossDpo from '@llmf/loss-dpo';
import lossSimpo from '@llmf/loss-simpo';
import { tf } from '@llmf/nn';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { firstRunCopy, metricsOf } from './support/first-run.js';
import { pleasure, ruleOf, tensorWatch, trainOnline, type OnlineRun } from './support/online.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

const train = (
  name: string,
  { plugins = [lossDpo(), pleasure], stage = {}, ...run }: Partial<OnlineRun> & { steps: number },
) =>
  trainOnline({
    folder: copy.folder,
    output: name,
    plugins: [algoOnlineDpo(), ...plugins],
    stage: { name: 'online-dpo', answers: 4, ...stage },
    ...run,
  });
const stepsOf = async (name: string) => (await metricsOf(join(copy.folder, name))).filter((row) => 'loss' in row);
const codeOf = (work: Promise<unknown>) => work.catch((error: LlmfError) => error.code);

it('raises the reward from a loss of ln 2, in memory that stays the same', async () => {
  const before = tf.memory().numTensors;
  const counts: number[] = [];
  const plugins = [lossDpo(), pleasure, tensorWatch(counts)];
  const { lines } = await train('learn', { steps: 16, plugins, stage: { answers: 6 }, train: { learningRate: 3e-3 } });
  const rows = await stepsOf('learn');
  const mean = (part: typeof rows) => part.reduce((sum, row) => sum + row['objective/scores']! / part.length, 0);
  expect(rows[0]!['loss']).toBeCloseTo(Math.LN2, 4);
  expect(mean(rows.slice(-3))).toBeGreaterThan(mean(rows.slice(0, 3)) + 0.15);
  expect(lines.join('\n')).toContain('reference: the model with its adapter off');
  expect(lines.join('\n')).toContain('answers are drawn with temperature 0.9');
  expect(new Set(counts.slice(1, -1)).size).toBe(1);
  expect(tf.memory().numTensors).toBe(before);
});

it('takes any loss of pairs, and needs no reference where that needs none', async () => {
  const { lines } = await train('simpo', { steps: 2, plugins: [lossSimpo(), pleasure], more: { loss: 'simpo' } });
  expect(lines.join('\n')).not.toContain('reference');
  expect(await stepsOf('simpo')).toHaveLength(2);
});

it('leaves out groups without a better answer, and goes on where there is none at all', async () => {
  let asked = 0;
  const rule = ruleOf((all) => (asked++, all.map(({ number, row }) => (asked === 1 || row % 2 === 0 ? 1 : number))));
  await train('ties', { steps: 2, plugins: [lossDpo(), rule] });
  const rows = await metricsOf(join(copy.folder, 'ties'));
  expect(rows[0]!['frac_reward_zero_std']).toBe(1);
  expect('loss' in rows[0]!).toBe(false);
  expect(rows[1]!['frac_reward_zero_std']).toBeGreaterThan(0);
  expect(rows[1]!['frac_reward_zero_std']).toBeLessThan(1);
});

it('names the losses where its own is not loaded, and refuses a run without rewards', async () => {
  const alone = train('wrong', { steps: 1, plugins: [pleasure] });
  expect(await alone.catch((error: LlmfError) => error.message)).toMatch(/loss[^]*dpo/);
  expect(await codeOf(train('none', { steps: 1, more: { rewards: 'none' } }))).toBe('LLMF_ROLLOUTS_NO_REWARD');
});

it('resumes to the same bits', async () => {
  const settings = { steps: 3, train: { saveEvery: null } };
  await train('whole', settings);
  let asked = 0;
  const broken = ruleOf((all) => {
    if (++asked > 2) throw new Error('out of order');
    return all.map(({ answer }) => (answer.includes('pleasure') ? 1 : 0));
  });
  expect(await codeOf(train('broken', { ...settings, plugins: [lossDpo(), broken] }))).toBe(
    'LLMF_ROLLOUTS_REWARD_FAILED',
  );
  await train('broken', { ...settings, resume: true });
  const weights = (name: string) => readFile(join(copy.folder, name, 'adapter_model.safetensors'));
  expect((await weights('broken')).equals(await weights('whole'))).toBe(true);
});
