// SPDX-License-Identifier: Apache-2.0
/** A sweep file of trlX's form over a trlX PPO config, from end to end: examples/articles/trlx, on fewer rounds and trials. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '@llmf/core';
import { studyOf, type Line } from '@llmf/sweep';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeFiles } from '../examples/positive-reviews/files.mjs';
import { llmf, repository, succeeded } from './support/command.js';
import { metricsOf } from './support/first-run.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llmf-trlx-sweep-'));
  const examples = join(repository, 'examples');
  writeFiles(folder, 1);
  for (const name of ['reward.mjs', 'reviews.mjs'])
    await cp(join(examples, 'positive-reviews', name), join(folder, name));
  await cp(join(examples, 'articles', 'trlx', 'ppo.yml'), join(folder, 'ppo.yml'));
  const { raw } = await readConfig(join(examples, 'articles', 'trlx'), 'ppo_sweep.yml');
  const { set, tune_config: tune, ...searched } = raw as Record<string, object>;
  const short = { ...set, 'train.maxSteps': 1, 'data.eval': { split: 0.1 }, 'train.evalOnStart': false };
  const sweep = { ...searched, set: short, tune_config: { ...tune, num_samples: 2 } };
  await writeFile(join(folder, 'ppo_sweep.json'), JSON.stringify(sweep));
  const form = ['--config', 'architecture/config.json', '--tokenizer', 'architecture'];
  succeeded(await llmf(['init', 'sft', ...form, '--seed', '1'], { folder }));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

it(
  'trains each trial by PPO with what its keys are here, and keeps the best mean reward',
  { timeout: 300_000 },
  async () => {
    const out = succeeded(await llmf(['sweep', 'ppo_sweep.json'], { folder }));
    expect(out).toMatch(/2 trials complete, 0 stopped early, 0 failed/);
    const output = join(folder, 'runs', 'ppo_sweep');
    const lines = (await readFile(join(output, 'journal.log'), 'utf8')).trimEnd().split('\n');
    const study = studyOf(lines.map((line) => JSON.parse(line) as Line))!;
    expect(study.direction).toBe('maximize');
    for (const { number, params, value } of study.trials) {
      const trial = join(output, 'trials', String(number).padStart(4, '0'));
      const { config } = JSON.parse(await readFile(join(trial, 'run.json'), 'utf8')) as { config: Config };
      expect(params).toEqual({
        'train.learningRate': config.train.learningRate,
        'stage.klCoefficient': config.stage.klCoefficient,
        'adapter.rank': config.adapter.rank,
      });
      expect(config.stage).toMatchObject({ name: 'ppo', preset: 'trlx', maxNewTokens: 24 });
      const last = (await metricsOf(trial)).findLast((row) => 'eval_objective/scores' in row);
      expect(value).toBe(last!['eval_objective/scores']);
    }
    const best = study.trials.toSorted((one, other) => other.value! - one.value!)[0]!;
    const written = (await readConfig(output, 'best.yaml')).raw as unknown as Config;
    expect(written.train.learningRate).toBe(best.params['train.learningRate']);
    expect(written.adapter.rank).toBe(best.params['adapter.rank']);
  },
);

interface Config {
  readonly train: { readonly learningRate: number };
  readonly stage: { readonly name: string; readonly klCoefficient: number };
  readonly adapter: { readonly rank: number };
}
