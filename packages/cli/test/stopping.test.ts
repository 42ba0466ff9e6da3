// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestFolder, toyConfig, toyPlugin } from './support/folder.js';

let folder: TestFolder;
beforeEach(async () => {
  folder = await TestFolder.create();
  await folder.write('llmf.yaml', toyConfig);
});
afterEach(() => folder.remove());

const every = ['train.evalEvery=1', 'train.saveEvery=2', 'train.maxSteps=8', 'train.keepCheckpoints=1'];
const losses = 'stage.evalLosses=[5, 4, 3, 3.5, 3.2, 3.1, 2, 1]';
const llmf = (...argv: string[]) => folder.llmf('train', 'llmf.yaml', '--plugin', toyPlugin, ...every, losses, ...argv);
const seen = async (output = 'run') => JSON.parse(await folder.read(`${output}/seen.json`)) as number[];

describe('early stopping', () => {
  it('ends the run, with the reason, after so many evaluations without improvement', async () => {
    const { status, out, err } = await llmf('train.earlyStopping={ patience: 3 }');
    expect([status, err]).toEqual([0, '']);
    expect(out).toContain('stopped at step 6: no improvement in 3 evaluations (best: eval_loss 3 at step 3)');
    expect(await seen()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('ends at the same step when the run was interrupted in between', async () => {
    await llmf('train.earlyStopping={ patience: 3 }', 'train.maxSteps=4', 'train.saveEvery=1');
    const { out } = await llmf('train.earlyStopping={ patience: 3 }', '--resume');
    expect(out).toContain('stopped at step 6: no improvement in 3 evaluations (best: eval_loss 3 at step 3)');
  });

  it('refuses a metric that no evaluation gives', async () => {
    const { status, err } = await llmf('train.earlyStopping={ metric: eval_los }');
    expect(status).toBe(1);
    expect(err).toMatch(/LLMF_CORE_METRIC_ABSENT[^]*eval_los\n[^]*one of eval_loss/);
  });
});

describe('the best checkpoint', () => {
  it('is kept whatever else is pruned, and its weights are the result', async () => {
    const { out } = await llmf('train.keepBest={}', 'train.maxSteps=6');
    expect(out).toContain('the best weights are kept: eval_loss 3 at step 3');
    expect(await seen()).toEqual([1, 2, 3]);
    expect((await folder.list('run/checkpoints')).sort()).toEqual(['step-3', 'step-6']);
  });

  it('waits for no metric that is not there: the steps are saved, and the run goes on with the right name', async () => {
    const { status, err } = await llmf('train.keepBest={ metric: eval_los }', 'train.evalEvery=6', 'train.maxSteps=6');
    expect(status).toBe(1);
    expect(err).toMatch(/LLMF_CORE_METRIC_ABSENT[^]*eval_los\n[^]*one of eval_loss/);
    expect(await folder.list('run/checkpoints')).toContain('step-6');
    const again = await llmf('train.keepBest={}', '--resume');
    expect([again.status, again.err]).toEqual([0, '']);
  });

  it('is followed by a better one when the run goes on', async () => {
    await llmf('train.keepBest={}', 'train.maxSteps=6');
    await llmf('train.keepBest={}', '--resume');
    expect(await seen()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await folder.list('run/checkpoints')).toEqual(['step-8']);
  });
});

describe('resuming', () => {
  it('accepts what does not decide the result, and refuses what does', async () => {
    await llmf('train.maxSteps=4');
    const more = await llmf('--resume', 'train.logEvery=2', 'data.workers=0', 'data.cache=elsewhere');
    expect([more.status, more.err]).toEqual([0, '']);
    const other = await llmf('--resume', 'train.maxSteps=9', 'train.seed=7');
    expect(other.err).toMatch(/LLMF_CORE_RESUME_CONFIG_CHANGED[^]*train\.seed: 42 → 7/);
  });

  it('accepts a plugin that only watches, and refuses one that may change the result', async () => {
    const plugin = (name: string, facts: string) =>
      folder.write(`${name}.mjs`, `export default () => ({ name: '${name}', apiVersion: 2, ${facts} apply() {} });`);
    await plugin('watcher', 'decides: false,');
    await plugin('changer', '');
    await llmf('train.maxSteps=4');
    expect((await llmf('--resume', '--plugin', './watcher.mjs')).status).toBe(0);
    const refused = await llmf('--resume', 'train.maxSteps=9', '--plugin', './changer.mjs');
    expect(refused.err).toMatch(/LLMF_CORE_RESUME_CONFIG_CHANGED[^]*plugins[^]*changer/);
  });
});
