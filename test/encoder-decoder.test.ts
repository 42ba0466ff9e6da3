// SPDX-License-Identifier: Apache-2.0
/** Whole runs of every kind of stage on a tiny T5. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import algoIlql from '@llmf/algo-ilql';
import algoPpo from '@llmf/algo-ppo';
import algoReward from '@llmf/algo-reward';
import lossDpo from '@llmf/loss-dpo';
import lossOrpo from '@llmf/loss-orpo';
import { readSafetensors } from '@llmf/core';
import { train } from 'llmf';
import { afterAll, describe, expect, it } from 'vitest';
import { repository } from './support/command.js';
import { metricsOf } from './support/first-run.js';
import { ruleOf } from './support/online.js';

const folder = mkdtempSync(join(tmpdir(), 'llmf-encoder-decoder-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const model = join(repository, 'packages', 'models', 'fixtures', 't5');

/** The model with words for its ids, which who reads answers asks for. */
function withTokenizer(): string {
  const copy = join(folder, 'worded');
  cpSync(model, copy, { recursive: true });
  const vocab = Object.fromEntries(Array.from({ length: 61 }, (_, id) => [id === 1 ? '</s>' : `w${id}`, id]));
  const end = {
    id: 1,
    content: '</s>',
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  };
  const tokenizer = {
    version: '1.0',
    added_tokens: [end],
    pre_tokenizer: { type: 'WhitespaceSplit' },
    model: { type: 'WordLevel', vocab, unk_token: 'w2' },
  };
  writeFileSync(join(copy, 'tokenizer.json'), JSON.stringify(tokenizer));
  writeFileSync(join(copy, 'tokenizer_config.json'), JSON.stringify({ eos_token: '</s>' }));
  return copy;
}

const rows = Array.from({ length: 8 }, (_, row) => {
  const promptIds = [3 + row, 20 + 2 * row, 5, 1];
  return { promptIds, responseIds: [40 + row, 30, 12 + row, 1] };
});
const write = (name: string, content: readonly object[]) =>
  writeFileSync(join(folder, name), content.map((row) => `${JSON.stringify(row)}\n`).join(''));
write('single.jsonl', rows);
write(
  'pairs.jsonl',
  rows.map(({ promptIds, responseIds }) => ({ promptIds, chosenIds: responseIds, rejectedIds: [9, 8, 7, 1] })),
);
write(
  'scored.jsonl',
  rows.map((row, at) => ({ ...row, reward: at % 2 })),
);
write(
  'prompts.jsonl',
  rows.map(({ promptIds }) => ({ promptIds })),
);

type Config = Parameters<typeof train>[0];

async function run(name: string, data: string, steps: number, config: Config): Promise<Record<string, number>[]> {
  const settings = { batchSize: 4, gradientAccumulation: 1, maxSteps: steps, logEvery: 1, learningRate: 2e-2 };
  await train(
    {
      model: { path: model },
      adapter: 'none',
      backend: { precision: 'f32' },
      data: { train: [{ path: data }] },
      output: name,
      train: { ...settings, seed: 3 },
      ...config,
    } as Config,
    { folder },
  );
  return (await metricsOf(join(folder, name))).filter((row) => 'loss' in row);
}

describe('an encoder–decoder', () => {
  it('learns answers, is saved as Transformers has it, and trained on by its adapter', async () => {
    const metrics = await run('sft', 'single.jsonl', 30, { stage: 'sft' });
    expect(metrics.at(-1)!['loss']).toBeLessThan(0.6 * metrics[0]!['loss']!);
    const saved = await readSafetensors(join(folder, 'sft', 'model.safetensors'));
    expect(Object.keys(saved).sort()).toEqual(
      Object.keys(await readSafetensors(join(model, 'model.safetensors'))).sort(),
    );
    const path = { model: { path: 'sft' } };
    await run('lora', 'single.jsonl', 2, { stage: 'sft', adapter: 'lora', ...path });
    const adapter = JSON.parse(readFileSync(join(folder, 'lora', 'adapter_config.json'), 'utf8')) as object;
    expect(adapter).toMatchObject({ peft_type: 'LORA', task_type: null });
  });

  it('learns a reward at the decoder’s last token, which judges a policy', async () => {
    const worded = { model: { path: withTokenizer() } };
    const reward = { ...worded, stage: 'reward', plugins: [algoReward()] } as unknown as Config;
    const metrics = await run('reward', 'pairs.jsonl', 20, reward);
    expect(metrics[0]!['loss']).toBeCloseTo(Math.LN2, 1);
    expect(metrics.at(-1)!['loss']).toBeLessThan(0.2);
    const config = JSON.parse(readFileSync(join(folder, 'reward', 'config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ architectures: ['T5ForConditionalGeneration'] });
    expect(await readSafetensors(join(folder, 'reward', 'heads.safetensors'))).toHaveProperty(['score.weight']);
    const stage = { name: 'ppo', maxNewTokens: 5, epochs: 1, miniBatches: 1, shownSamples: 0 };
    const rewards = { name: 'model', path: 'reward' };
    const judged = await run('judged', 'prompts.jsonl', 1, {
      ...worded,
      plugins: [algoPpo()],
      stage,
      rewards,
    } as unknown as Config);
    expect(judged).toHaveLength(1);
  });

  it('gives its reward with an adapter too, and refuses classes, whose head Transformers would draw anew', async () => {
    await run('reward-lora', 'pairs.jsonl', 1, {
      stage: 'reward',
      adapter: 'lora',
      plugins: [algoReward()],
    } as unknown as Config);
    expect(await readSafetensors(join(folder, 'reward-lora', 'heads.safetensors'))).toHaveProperty(['score.weight']);
    writeFileSync(join(folder, 'classes.jsonl'), '{"text":"a","label":"good"}\n{"text":"b","label":"bad"}\n');
    const classes = {
      stage: { name: 'classification', labels: ['bad', 'good'] },
    } as unknown as Config;
    await expect(run('classes', 'classes.jsonl', 1, classes)).rejects.toMatchObject({
      code: 'LLMF_MODELS_NO_CLASSIFIER',
    });
  });

  it('learns preferences: DPO begins at ln 2, and chosen answers gain', async () => {
    const metrics = await run('dpo', 'pairs.jsonl', 8, { stage: 'preference', plugins: [lossDpo()] });
    expect(metrics[0]!['loss']).toBeCloseTo(Math.LN2, 5);
    expect(metrics.at(-1)!['rewards/margins']).toBeGreaterThan(0.1);
    const orpo = await run('orpo', 'pairs.jsonl', 2, { stage: 'preference', plugins: [lossOrpo()] });
    expect(orpo).toHaveLength(2);
  });

  it('is a policy that PPO raises the reward of', async () => {
    const rule = ruleOf((all) => all.map(({ ids }) => ids.filter((id) => id < 20).length / 5));
    const stage = { name: 'ppo', maxNewTokens: 5, epochs: 4, miniBatches: 1, shownSamples: 0 };
    const train = { batchSize: 16, gradientAccumulation: 1, maxSteps: 30, logEvery: 1, learningRate: 1e-2, seed: 3 };
    const config = { plugins: [algoPpo(), rule], stage, rewards: 'rule', train } as unknown as Config;
    const scores = (await run('ppo-longer', 'prompts.jsonl', 30, config)).map((row) => row['objective/scores']!);
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [before, after] = [mean(scores.slice(0, 5)), mean(scores.slice(-10))];
    console.log(`mean reward ${before.toFixed(2)} → ${after.toFixed(2)}`);
    expect(after - before).toBeGreaterThan(0.15);
  });

  it('samples and learns from rewards: the ratio begins at 1', async () => {
    const rule = ruleOf((all) => all.map(({ ids }) => (ids.includes(30) ? 1 : 0)));
    const stage = { name: 'ppo', maxNewTokens: 5, epochs: 1, miniBatches: 1, shownSamples: 0 };
    const config = { plugins: [algoPpo(), rule], stage, rewards: 'rule' } as unknown as Config;
    for (const row of await run('ppo', 'prompts.jsonl', 2, config))
      expect(Math.abs(row['val/ratio']! - 1)).toBeLessThan(1e-5);
    const ilql = await run('ilql', 'scored.jsonl', 2, { plugins: [algoIlql()], stage: 'ilql' } as unknown as Config);
    expect(ilql).toHaveLength(2);
  });
});
