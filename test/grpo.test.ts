// SPDX-License-Identifier: Apache-2.0
/** Stage `grpo`, whole runs on the first run's model. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import algoGrpo from '@llmf/algo-grpo';
import type { LlmfError } from '@llmf/core';
import { tf } from '@llmf/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstRunCopy, metricsOf } from './support/first-run.js';
import { pleasure, ruleOf, tensorWatch, trainOnline, type OnlineRun } from './support/online.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

const output = (name: string) => join(copy.folder, name);
const train = (name: string, { plugins = [pleasure], stage = {}, ...run }: Partial<OnlineRun> & { steps: number }) =>
  trainOnline({
    folder: copy.folder,
    output: name,
    plugins: [algoGrpo(), ...plugins],
    stage: { name: 'grpo', answers: 6, ...stage },
    ...run,
  });
const stepsOf = async (name: string) => (await metricsOf(output(name))).filter((row) => 'loss' in row);

describe.each([
  ['grpo', { klCoefficient: 0.02 }],
  ['dr_grpo', {}],
  ['dapo', { softLength: 4, maskCutOff: true, entropyCoefficient: 0.001 }],
  ['gspo', { clipRange: 0.1, clipRangeHigh: 0.1 }],
  ['rloo', {}],
])('variant %s', (variant, stage) => {
  it('raises the reward, from a ratio of 1, in memory that stays the same', async () => {
    const before = tf.memory().numTensors;
    const counts: number[] = [];
    const given = { stage: { variant, iterations: 2, ...stage }, plugins: [pleasure, tensorWatch(counts)] };
    await train(variant, { steps: 14, ...given, train: { batchSize: 6, learningRate: 3e-3 } });
    const rows = await stepsOf(variant);
    const mean = (part: typeof rows) => part.reduce((sum, row) => sum + row['objective/scores']! / part.length, 0);
    expect(mean(rows.slice(-3))).toBeGreaterThan(mean(rows.slice(0, 3)) + 0.3);
    expect(Math.max(...rows.map((row) => row['sampling/logp_difference_max']!))).toBeLessThan(1e-5);
    expect(new Set(counts.slice(1, -1)).size).toBe(1);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('grpo', () => {
  it('has a ratio of 1 where a step makes one update', async () => {
    await train('ratio', { steps: 3 });
    for (const row of await stepsOf('ratio')) expect(Math.abs(row['val/ratio']! - 1)).toBeLessThan(1e-5);
  });

  it('needs no reference unless KL has a weight, and says which it has', async () => {
    expect((await train('plain', { steps: 1 })).lines.join('\n')).not.toContain('reference');
    const { lines } = await train('held', { steps: 2, stage: { klCoefficient: 0.1 } });
    expect(lines.join('\n')).toContain('reference: the model with its adapter off');
    expect(lines.join('\n')).toContain('KL penalty: coefficient 0.1, estimator k3, in the loss');
    expect((await stepsOf('held'))[0]!['kl']).toBeCloseTo(0, 5);
    const unused = train('unused', { steps: 1, more: { reference: 'copy' } });
    expect(await unused.catch((error: LlmfError) => error.code)).toBe('LLMF_ALGO_GRPO_REFERENCE_UNUSED');
  });

  it('leaves answers out of which no reward speaks, counts groups without variance, and says so', async () => {
    const rule = ruleOf((all) => all.map(({ row, number }) => (row % 2 === 0 ? 1 : number === 0 ? null : number)));
    const { lines } = await train('equal', { steps: 4, plugins: [rule] });
    for (const row of await stepsOf('equal')) {
      expect(row['completions/unscored']).toBeGreaterThan(0);
      expect(row['frac_reward_zero_std']).toBeGreaterThan(0);
      expect(row['frac_reward_zero_std']).toBeLessThan(1);
    }
    expect(lines.filter((line) => line.includes('all answers got the same score'))).toHaveLength(1);
  });

  it('says once that most groups teach nothing', async () => {
    const rule = ruleOf((all) => all.map(({ number }, at) => (at < 6 ? number : 1))); // 1 group of 8 has variance
    const { lines } = await train('useless', { steps: 5, plugins: [rule] });
    expect((await stepsOf('useless')).map((row) => row['frac_reward_zero_std'])).toEqual(Array(5).fill(0.875));
    const spoken = lines.filter((line) => line.includes('equal-groups'));
    expect(spoken).toHaveLength(1);
    expect(spoken[0]).toMatch(/^health \(step 3, equal-groups\): in 88 % of the groups .* draw more answers/);
  });

  it('answers further prompts in the place of those that teach nothing, to the same bits each time', async () => {
    const rule = ruleOf((all) => all.map(({ row, number }) => (row % 4 === 0 ? number : 1))); // a prompt of four has variance
    const given = { steps: 3, plugins: [rule], stage: { resample: 8 } };
    await train('resampled', given);
    const rows = await stepsOf('resampled');
    for (const row of rows) {
      expect(row['completions/resampled']).toBeGreaterThan(0);
      expect(row['frac_reward_zero_std']).toBe(0);
    }
    await train('once-more', given);
    const losses = async (name: string) => (await stepsOf(name)).map(({ loss }) => loss);
    expect(await losses('once-more')).toEqual(await losses('resampled'));
  });

  it('ends with a code where no answer can ever be told from another', async () => {
    const flat = train('flat', { steps: 3, plugins: [ruleOf((all) => all.map(() => 1))] });
    expect(await flat.catch((error: LlmfError) => error.code)).toMatch(/LLMF_TRAINING_NO(_GRADIENT|THING_MOVED)/);
  });

  it('resumes to the same bits', async () => {
    const settings = {
      steps: 4,
      stage: { iterations: 2, miniBatches: 2 },
      train: { saveEvery: null },
    };
    await train('whole', settings);
    let asked = 0;
    const broken = ruleOf((all) => {
      if (++asked > 2) throw new Error('out of order');
      return all.map(({ answer }) => (answer.includes('pleasure') ? 1 : 0));
    });
    const failed = train('broken', { ...settings, plugins: [broken] });
    expect(await failed.catch((error: LlmfError) => error.code)).toBe('LLMF_ROLLOUTS_REWARD_FAILED');
    await train('broken', { ...settings, resume: true });
    const weights = (name: string) => readFile(join(output(name), 'adapter_model.safetensors'));
    expect((await weights('broken')).equals(await weights('whole'))).toBe(true);
  });
});
