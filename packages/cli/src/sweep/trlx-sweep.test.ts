// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSweep } from './sweep-file.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'llmf-trlx-sweep-'));
  const config = {
    train: { seq_length: 64, epochs: 10, total_steps: 100, batch_size: 32, eval_interval: 20 },
    model: { model_path: 'gpt2', num_layers_unfrozen: 2 },
    optimizer: { name: 'adamw', kwargs: { lr: 3e-5 } },
    method: { name: 'PPOConfig', num_rollouts: 32, chunk_size: 32, ppo_epochs: 4, init_kl_coef: 0.05 },
  };
  writeFileSync(join(folder, 'ppo.json'), JSON.stringify(config));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** configs/sweeps/ppo_sweep.yml of trlX, in JSON, with what a program says there. */
const published = {
  config: 'ppo.json',
  tune_config: { mode: 'max', metric: 'mean_reward', search_alg: 'random', scheduler: 'fifo', num_samples: 32 },
  'optimizer.kwargs.lr': { strategy: 'loguniform', values: [1e-6, 1e-3] },
  'method.init_kl_coef': { strategy: 'uniform', values: [1e-4, 0.2] },
  'model.num_layers_unfrozen': { strategy: 'choice', values: [2, -1, 6] },
};
async function sweepOf(changes: object) {
  writeFileSync(join(folder, 'sweep.json'), JSON.stringify({ ...published, ...changes }));
  return await readSweep(folder, 'sweep.json');
}

describe("trlX's sweep file", () => {
  it('is a sweep over its config: keys are followed to where trlX’s rules put them', async () => {
    const sweep = await sweepOf({ set: { 'data.train': [{ path: 'prompts.jsonl' }] } });
    expect(sweep.words).toEqual(['--from', 'trlx', 'data.train=[{"path":"prompts.jsonl"}]']);
    expect(sweep.config).toBe(join(folder, 'ppo.json'));
    expect(sweep).toMatchObject({ metric: 'eval_objective/scores', direction: 'maximize', trials: 32, pruner: null });
    expect(sweep.deciding['sampler']).toBe('random');
    expect(Object.keys(sweep.space)).toEqual(['train.learningRate', 'stage.klCoefficient', 'adapter']);
    expect(sweep.space['adapter']!.distribution).toMatchObject({
      kind: 'choice',
      choices: [{ name: 'freeze', trainableLayers: 2 }, 'none', { name: 'freeze', trainableLayers: 6 }],
    });
  });

  it('has TPE for bohb and ASHA for hyperband', async () => {
    const tune_config = { ...published.tune_config, search_alg: 'bohb', scheduler: 'hyperbandforbohb' };
    const { deciding, pruner } = await sweepOf({ tune_config });
    expect([deciding['sampler'], pruner?.reductionFactor]).toEqual(['tpe', 4]);
    expect(pruner!.minimumSteps).toBeGreaterThan(0);
  });

  it.each([
    ['without a config', { config: undefined }, /LLMF_CLI_SWEEP_TRLX_CONFIG[^]*config: ppo\.yml/],
    [
      'with a key that trlX has not',
      { 'optimizer.kwargs.rate': { strategy: 'uniform', values: [0, 1] } },
      /LLMF_CLI_SWEEP_TRLX: optimizer\.kwargs\.rate[^]*not known/,
    ],
    [
      'with a metric that is not here',
      { tune_config: { metric: 'metrics/sentiments' } },
      /LLMF_CLI_SWEEP_TRLX: metric/,
    ],
    ['with another search', { tune_config: { search_alg: 'skopt' } }, /search_alg[^]*random, bayesopt, bohb/],
    ['with no list', { 'method.vf_coef': { strategy: 'uniform' } }, /method\.vf_coef[^]*strategy: NAME/],
  ])('is refused %s', async (_what, changes, message) => {
    await expect(sweepOf(changes)).rejects.toThrow(message);
  });
});
