// SPDX-License-Identifier: Apache-2.0
/** Stage `ppo`, whole runs on the first run's model. */
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import algoPpo from '@llmf/algo-ppo';
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
    plugins: [algoPpo(), ...plugins],
    stage: { name: 'ppo', ...stage },
    ...run,
  });
const stepsOf = async (name: string) => (await metricsOf(output(name))).filter((row) => 'loss' in row);
const completionsOf = async (name: string) =>
  (await readFile(join(output(name), 'completions.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { step: number; answer: string; score: number | null });
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: LlmfError) => error.code,
  );

describe('ppo', () => {
  it('begins every step with a ratio of 1: the sampler’s log-probs are training’s', async () => {
    await train('ratio', { steps: 6, stage: { epochs: 1, miniBatches: 1 } });
    const rows = await stepsOf('ratio');
    expect(rows).toHaveLength(6);
    for (const row of rows) {
      expect(Math.abs(row['val/ratio']! - 1)).toBeLessThan(1e-5);
      expect(row['sampling/logp_difference_max']).toBeLessThan(1e-5);
      expect(row['policy/clipfrac_avg']).toBe(0);
    }
  });

  it.each([
    ['the adapter off', {}],
    ['a copy', { more: { adapter: 'none' } }],
  ])('draws, trains and compares with %s at one temperature', async (name, run) => {
    const stage = { temperature: 0.5, epochs: 1 };
    const { lines } = await train(`tempered-${name}`, { steps: 2, stage, ...run });
    const rows = await stepsOf(`tempered-${name}`);
    for (const row of rows) {
      expect(Math.abs(row['val/ratio']! - 1)).toBeLessThan(1e-5);
      expect(row['sampling/logp_difference_max']).toBeLessThan(1e-5);
    }
    expect(rows[0]!['objective/kl']).toBeCloseTo(0, 5);
    expect(lines.join('\n')).not.toContain('answers are drawn with');
  });

  it('can learn at temperature 1 from what is drawn at another, and says so', async () => {
    const stage = { temperature: 0.5, temperatureInObjective: false, epochs: 1 };
    const { lines } = await train('apart', { steps: 1, stage });
    expect(lines.join('\n')).toContain('answers are drawn with temperature 0.5');
    const [drawn, tempered] = [await completionsOf('apart'), await completionsOf('tempered-the adapter off')];
    expect(drawn.map(({ answer }) => answer)).toEqual(tempered.slice(0, 8).map(({ answer }) => answer));
    const entropy = async (run: string) => (await stepsOf(run))[0]!['policy/entropy_avg']!;
    expect(await entropy('apart')).toBeGreaterThan(1.2 * (await entropy('tempered-the adapter off')));
  });

  it('raises the reward, keeps near its reference, and writes its answers down', async () => {
    const { lines } = await train('learn', { steps: 24, stage: { shownSamples: 2 } });
    const rows = await stepsOf('learn');
    const mean = (at: number) => rows.slice(at, at + 4).reduce((sum, row) => sum + row['objective/scores']! / 4, 0);
    expect(mean(20)).toBeGreaterThan(mean(0) + 0.3);
    expect(rows[0]!['objective/kl']).toBeCloseTo(0, 5);
    expect(rows.at(-1)!['objective/kl']).toBeLessThan(18);
    expect(lines.join('\n')).toMatch(/KL penalty: fixed coefficient 0.05, estimator k1/);
    expect(lines.join('\n')).toMatch(/answers of step 1:\n {2}reward {2}tokens {2}prompt/);
    const completions = await completionsOf('learn');
    expect(completions).toHaveLength(24 * 8);
    expect(completions.at(-1)).toMatchObject({ step: 24, score: expect.any(Number), answer: expect.any(String) });
  });

  it.each([
    ['every weight', { more: { adapter: 'none' }, train: { learningRate: 1e-4 } }, /reference: a second copy/],
    [
      'the upper block alone',
      { more: { adapter: { name: 'freeze', trainableLayers: 1 } }, train: { learningRate: 1e-4 } },
      /reference: a frozen copy of what is trained/,
    ],
    [
      'trlX’s preset, several answers and rewards per token',
      {
        stage: {
          preset: 'trlx',
          answers: 2,
          klController: 'adaptive',
          klEstimator: 'k3',
          entropyCoefficient: 0.01,
          scoreScaling: 'running',
          whitenRewards: true,
          missingEosPenalty: 1,
          maxNewTokens: 6,
        },
        plugins: [ruleOf((all) => all.map(({ ids }) => Array.from(ids, (_, at) => at / 10)))],
      },
      /KL penalty: adaptive coefficient 0.001, estimator k3/,
    ],
  ])('trains %s, in memory that stays the same', async (name, given, line) => {
    const before = tf.memory().numTensors;
    const counts: number[] = [];
    const { plugins = [pleasure], ...run } = given as Partial<OnlineRun>;
    const { lines } = await train(name.slice(0, 5).trim(), {
      steps: 5,
      ...run,
      plugins: [...plugins, tensorWatch(counts)],
    });
    expect(lines.join('\n')).toMatch(line);
    expect(new Set(counts.slice(1, -1)).size).toBe(1);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaves out what no reward speaks of, and goes on where none speaks of any', async () => {
    let asked = 0;
    const silent = ruleOf((all) => all.map((_, at) => (asked++ < 8 || at % 2 === 0 ? null : 1)));
    await train('silent', { steps: 3, plugins: [silent] });
    const rows = await metricsOf(output('silent'));
    expect(rows.map((row) => row['completions/unscored'])).toEqual([8, 4, 4]);
    expect(rows.map((row) => 'loss' in row)).toEqual([false, true, true]);
  });

  it('stops a step’s updates where the policy has gone too far', async () => {
    const far = { train: { learningRate: 0.1 } };
    await train('stop', { steps: 2, stage: { stopKl: 1e-6 }, ...far });
    expect((await stepsOf('stop')).map((row) => row['policy/updates'])).toEqual([1, 1]);
    await train('limit', { steps: 6, stage: { ratioLimit: 1.0000001 }, ...far });
    const skipped = (await stepsOf('limit')).map((row) => row['policy/skipped_updates']!);
    expect(skipped.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0);
  });

  it('says what is wrong with a run in one line', async () => {
    const { lines } = await train('ill', {
      steps: 4,
      stage: { maxNewTokens: 2 },
      plugins: [ruleOf((all) => all.map(() => 1))],
    });
    const health = lines.filter((line) => line.startsWith('health'));
    expect(health.join('\n')).toMatch(/missing-eos\): 100 %/);
    expect(health.join('\n')).toMatch(/equal-scores/);
  });

  it('evaluates answers to held-out prompts', async () => {
    await train('held', {
      steps: 2,
      train: { evalOnStart: true },
      more: { data: { train: [{ path: 'data/sft.json' }], eval: { split: 0.2 }, maxSamples: 40, maxLength: 96 } },
    });
    const evaluations = (await metricsOf(output('held'))).filter((row) => 'eval_seconds' in row);
    expect(evaluations.map(({ step }) => step)).toEqual([0, 2]);
    expect(evaluations[0]).toMatchObject({ 'eval_objective/kl': 0, 'eval_objective/scores': expect.any(Number) });
  });
});

describe('a reward that fails', () => {
  it('ends the run with its code; the run goes on from its last checkpoint to the same bits', async () => {
    const whole = { steps: 4, train: { saveEvery: null } }; // saved by the failure alone
    await train('whole', whole);
    let asked = 0;
    const broken = ruleOf((all) =>
      all.map(({ answer }) => (++asked > 20 ? Number.NaN : answer.includes('pleasure') ? 1 : 0)),
    );
    expect(await codeOf(train('broken', { ...whole, plugins: [broken] }))).toBe('LLMF_ROLLOUTS_REWARD_VALUE');
    const { lines } = await train('broken', { ...whole, resume: true });
    expect(lines.join('\n')).toContain('resumed at step 2');
    const weights = (name: string) => readFile(join(output(name), 'adapter_model.safetensors'));
    expect((await weights('broken')).equals(await weights('whole'))).toBe(true);
    expect(await completionsOf('broken')).toEqual(await completionsOf('whole'));
  });

  const scored = "samples.map(({ answer }) => (answer.includes('pleasure') ? 1 : 0))";
  const adapterOf = (name: string) => readFile(join(output(name), 'adapter_model.safetensors'));
  const failing = async (name: string, reward: object) => {
    const run = { steps: 4, plugins: [], train: { saveEvery: null }, more: { rewards: reward } };
    return { code: await codeOf(train(name, run)), goOn: () => train(name, { ...run, resume: true }) };
  };

  it.each([
    ['throws', "throw new Error('out of order')", 'LLMF_ROLLOUTS_FUNCTION_THREW'],
    ['hangs', 'return new Promise(() => {})', 'LLMF_ROLLOUTS_REWARD_TIMEOUT'],
    ['returns too few scores', 'return [1]', 'LLMF_ROLLOUTS_REWARD_COUNT'],
  ])('as a function that %s in step 3: once it is mended, to the same bits', async (name, fault, code) => {
    const file = join(copy.folder, `${name}.mjs`);
    await writeFile(
      file,
      `let asked = 0;\nexport default (samples) => { if (++asked > 2) ${fault}; return ${scored}; };`,
    );
    const { code: got, goOn } = await failing(name, { name: 'function', path: file, timeoutSeconds: 3 });
    expect(got).toBe(code);
    await writeFile(file, `export default (samples) => ${scored};`);
    await goOn();
    expect((await adapterOf(name)).equals(await adapterOf('whole'))).toBe(true);
  });

  it('as an endpoint that breaks off half-way: ends the run without tries, none with them; to the same bits', async () => {
    let asked = 0;
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (part) => (text += part));
      request.on('end', () => {
        if (++asked === 3) return void request.socket.destroy();
        const { samples } = JSON.parse(text) as { samples: { answer: string }[] };
        const scores = samples.map(({ answer }) => (answer.includes('pleasure') ? 1 : 0));
        response.end(JSON.stringify({ scores }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const { code, goOn } = await failing('endpoint', { name: 'endpoint', url, retries: 0 });
      expect(code).toBe('LLMF_ROLLOUTS_ENDPOINT_FAILED');
      await goOn();
      asked = 0;
      expect((await failing('patient', { name: 'endpoint', url, retries: 1 })).code).toBeNull();
    } finally {
      server.closeAllConnections();
      server.close();
    }
    for (const name of ['endpoint', 'patient']) {
      expect((await adapterOf(name)).equals(await adapterOf('whole'))).toBe(true);
    }
  });
});

describe('a config that cannot be', () => {
  it.each([
    ['no reward', { more: { rewards: 'none' } }, 'LLMF_ROLLOUTS_NO_REWARD'],
    ['a loss beside it', { more: { loss: 'sft' } }, 'LLMF_ROLLOUTS_LOSS_UNUSED'],
    ['a reference of rows that are not there', { more: { reference: 'cached' } }, 'LLMF_TRAINING_REFERENCE_NEEDS_ROWS'],
    ['answers as long as the context', { stage: { maxNewTokens: 128 } }, 'LLMF_TRAINING_NO_ROOM'],
    ['answers of no token', { stage: { maxNewTokens: 0 } }, 'LLMF_CORE_BAD_VALUE'],
    ['prompts that are all too long', { more: { data: { train: [{ path: 'long.json' }] } } }, 'LLMF_DATA_NO_ROWS'],
  ])('is refused: %s', async (_, given, code) => {
    await writeFile(join(copy.folder, 'long.json'), JSON.stringify([{ prompt: 'What is a train? '.repeat(40) }]));
    expect(await codeOf(train('never', { steps: 1, ...given } as never))).toBe(code);
  });
});
