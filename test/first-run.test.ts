// SPDX-License-Identifier: Apache-2.0
// examples/first-run through the real command.
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, succeeded } from './support/command.js';
import { firstRunCopy, metricsOf } from './support/first-run.js';
import { sha256 } from './support/kill-and-resume.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

const command = async (...argv: string[]) => succeeded(await llmf(argv, { folder: copy.folder }));
const evaluations = async (name: string) =>
  (await metricsOf(join(copy.folder, 'runs', name))).flatMap((row) => row['eval_rewards/accuracies'] ?? []);

describe('llmf train --plugin loss-simpo, with nothing else', () => {
  it('takes held-out accuracy from about 0.5 to at least 0.9', { timeout: 180_000 }, async () => {
    await command('train', '--plugin', 'loss-simpo');
    const [before, after, ...more] = await evaluations('simpo');
    expect(Math.abs(before! - 0.5)).toBeLessThan(0.15); // 200 pairs: a standard deviation is 0.035
    expect(after).toBeGreaterThanOrEqual(0.9);
    expect(more).toEqual([]);
    for (const file of ['model.safetensors', 'config.json', 'tokenizer.json', 'run.json', 'loss.svg']) {
      await access(join(copy.folder, 'runs/simpo', file));
    }
  });

  it('resumed when it has finished, leaves metrics and weights as they are', { timeout: 60_000 }, async () => {
    const output = join(copy.folder, 'runs/simpo');
    const read = () => Promise.all(['metrics.jsonl', 'model.safetensors'].map((name) => sha256(join(output, name))));
    const before = await read();
    await command('train', '--plugin', 'loss-simpo', '--resume');
    expect(await read()).toEqual(before);
  });

  it('gives a model that is polite where it was rude', { timeout: 60_000 }, async () => {
    const ask = (model: string) =>
      command(
        'generate',
        '--model',
        model,
        '--greedy',
        '--max-new-tokens',
        '30',
        '--prompt',
        'A spider, what is that?',
      );
    expect(await ask('model')).toMatch(/tired of you/);
    expect(await ask('runs/simpo')).toMatch(/Gladly|Of course|With pleasure|What a nice|I am happy|lovely/);
  });
});

describe('the stages before it', () => {
  it('start from nothing: init, a supervised stage, a preference stage', { timeout: 120_000 }, async () => {
    await command('init', 'runs/untrained', '--config', 'architecture/config.json', '--tokenizer', 'architecture');
    await command('train', 'sft.yaml', 'train.maxSteps=8', 'train.logEvery=1');
    const losses = (await metricsOf(join(copy.folder, 'runs/sft'))).map((row) => row['loss']!);
    expect(losses).toHaveLength(8);
    expect(losses[0]! - losses[7]!).toBeGreaterThan(0.5); // from about 6.5
    const short = ['train.maxSteps=3', 'output=runs/short'];
    await command('train', '--plugin', 'loss-simpo', 'model.path=runs/sft', ...short);
    expect(await evaluations('short')).toHaveLength(2);
  });
});
