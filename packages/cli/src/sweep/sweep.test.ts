// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spaceOf, type Space, type Trial } from '@llmf/sweep';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parallelCoordinates } from './parallel-coordinates.js';
import { nested } from './nested.js';
import { readSweep, type Sweep } from './sweep-file.js';
import { sweepPage } from './sweep-report.js';
import { isStopped, SweepState } from './sweep-state.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llmf-sweep-'));
  await writeFile(join(folder, 'llmf.yaml'), 'model: { path: m }\n');
});
afterAll(() => rm(folder, { recursive: true }));

const base = { space: { 'train.learningRate': { loguniform: [1e-5, 1e-2] } }, trials: 3 };
async function read(changes: object, name = 'sweep.yaml'): Promise<Sweep> {
  await writeFile(join(folder, name), JSON.stringify({ ...base, ...changes }));
  return await readSweep(folder, name);
}

describe('a sweep’s file', () => {
  it('reads both ways to write a space, and what follows from its keys', async () => {
    const trlx = { strategy: 'choice', values: [0.1, 0.5] };
    const sweep = await read({ space: { 'loss.beta': trlx, 'train.seed': { randint: [0, 5] } }, plugins: ['./p'] });
    expect(sweep).toMatchObject({
      direction: 'minimize',
      trials: 3,
      parallel: 1,
      output: join(folder, 'runs', 'sweep'),
    });
    expect(sweep.words).toEqual(['--plugin', join(folder, 'p')]);
    expect(sweep.space['loss.beta']!.distribution).toEqual({ kind: 'choice', choices: [0.1, 0.5] });
    expect((await read({ metric: 'eval_rewards/accuracies' })).direction).toBe('maximize');
    expect((await read({ metric: 'eval_rewards/accuracies', mode: 'min' })).direction).toBe('minimize');
  });

  it('counts a grid’s trials: its combinations, or each as often as there are trials', async () => {
    const space = { a: { grid: [1, 2] }, b: { choice: ['x', 'y', 'z'] } };
    expect((await read({ space, sampler: 'grid', trials: null })).trials).toBe(6);
    expect((await read({ space, sampler: 'random', trials: 5 })).trials).toBe(10);
  });

  it.each<[string, object, RegExp]>([
    ['a space of no strategy', { space: { a: { normal: [0, 1] } } }, /no strategy normal; uniform, quniform/],
    ['a space of two', { space: { a: { uniform: [0, 1], choice: [1] } } }, /one of uniform/],
    ['wrong bounds', { space: { a: { uniform: [2, 1] } } }, /the lower bound is above the upper one/],
    ['an unknown key', { trails: 3 }, /trails[^]*trials/],
    ['nothing to search', { space: {} }, /LLMF_CLI_SWEEP_EMPTY/],
    ['no number of trials', { trials: null }, /LLMF_CLI_SWEEP_TRIALS/],
    ['a grid over a range', { sampler: 'grid' }, /LLMF_CLI_SWEEP_GRID[^]*train\.learningRate/],
    ['no config', { config: 'other.yaml' }, /LLMF_CLI_SWEEP_CONFIG[^]*other\.yaml/],
  ])('refuses %s', async (_name, changes, message) => {
    await expect(read(changes)).rejects.toThrow(message);
  });
});

describe('the state of a sweep', () => {
  it('is what was told, over a kill in the middle of a line', async () => {
    const sweep = await read({ output: 'a', pruner: { name: 'asha', minimumSteps: 1, reductionFactor: 2 } });
    const state = await SweepState.open(sweep, false);
    const first = await state.ask();
    expect(await state.report(0, 1, 0.5)).toBe(false);
    await state.end(0, 'complete', 0.5);
    await state.ask();
    expect(await state.report(1, 1, 0.9)).toBe(true); // one of two goes on, and the first was better
    await expect(SweepState.open(sweep, true)).rejects.toThrow(/LLMF_CLI_SWEEP_RUNNING/);
    await state.close();
    await writeFile(join(sweep.output, 'journal.log'), '{"op_code":6,"tri', { flag: 'a' });
    await expect(SweepState.open(sweep, false)).rejects.toThrow(/LLMF_CLI_SWEEP_IN_USE/);
    const again = await SweepState.open(sweep, true);
    expect(again.trials.map(({ state: each }) => each)).toEqual(['complete', 'running']);
    expect(again.trials[0]!.params).toEqual(first.params);
    expect(isStopped(again.trials[1]!)).toBe(true); // the decision outlived the kill
    await again.close();
  });

  it('keeps what several trials tell at the same time', async () => {
    const sweep = await read({ output: 'd', parallel: 3 });
    const state = await SweepState.open(sweep, false);
    for (let number = 0; number < 3; number++) await state.ask();
    await Promise.all(
      [0, 1, 2].flatMap((number) => [1, 2, 3].map((step) => state.report(number, step, number + step / 10))),
    );
    const told = state.trials;
    await state.close();
    const again = await SweepState.open(sweep, true);
    expect(again.trials).toEqual(told);
    expect(told.map(({ intermediate }) => intermediate.size)).toEqual([3, 3, 3]);
    await again.close();
  });

  it('refuses to go on with another space, and says what is no journal', async () => {
    await (await SweepState.open(await read({ output: 'b' }), false)).close();
    const other = await read({ output: 'b', space: { x: { uniform: [0, 1] } }, seed: 7 });
    await expect(SweepState.open(other, true)).rejects.toThrow(/LLMF_CLI_SWEEP_CHANGED[^]*space, seed|seed, space/);
    const more = await SweepState.open(await read({ output: 'b', trials: 9, parallel: 2 }), true);
    await more.close();
    const sweep = await read({ output: 'c' });
    await (await SweepState.open(sweep, false)).close();
    await writeFile(join(sweep.output, 'journal.log'), 'not JSON\n');
    await expect(SweepState.open(sweep, true)).rejects.toThrow(/LLMF_CLI_SWEEP_JOURNAL[^]*journal\.log:1/);
  });
});

describe('the report', () => {
  const { distribution: rate } = spaceOf('loguniform', [1e-4, 1e-2]) as Space;
  const { distribution: loss } = spaceOf('choice', ['dpo', '<ipo>']) as Space;
  const trials = [0.5, 0.3, 0.9].map((value, number): Trial => {
    const params = { 'train.learningRate': 1e-3, 'loss.variant': number === 1 ? '<ipo>' : 'dpo' };
    const facts = { intermediate: new Map([[3, value]]), rungs: [], attributes: {}, started: null, ended: null };
    const distributions = { 'train.learningRate': rate, 'loss.variant': loss };
    return { ...facts, number, state: number === 2 ? 'pruned' : 'complete', params, distributions, value };
  });

  it('draws a line a trial, the best last and above the others', () => {
    const svg = parallelCoordinates(trials, 'eval_loss', true);
    const lines = [...svg.matchAll(/<path d="M([^"]*)" fill="none"[^>]*>(?:<title>(.*?)<\/title>)/g)];
    expect(lines.map(([, , title]) => title!.split(':')[0])).toEqual(['trial 2', 'trial 0', 'trial 1']);
    // 1e-3 is the middle of 1e-4 … 1e-2 by logarithm: half of 420 − 50 − 30 above the bottom at 390
    expect(lines[2]![1]).toMatch(/^70 220L/);
    expect(svg).toContain('train.learningRate (log)');
    expect(svg).toContain('&lt;ipo&gt;');
    expect(svg.match(/stroke-dasharray/g)).toHaveLength(1);
  });

  it('has the best config, importance, every trial', async () => {
    const page = sweepPage(await read({}), trials);
    expect(page).toContain('Trial 1: eval_loss 0.3');
    expect(page).toContain('variant: &lt;ipo&gt;');
    expect(page).toContain('2 complete, 1 stopped early, 0 failed, 0 running');
    expect(page.match(/<tr><td>/g)!.length).toBe(3 + 2); // trials, and parameters by importance
    expect(sweepPage(await read({}), [])).toContain('0 complete');
  });

  it('nests dotted keys', () => {
    expect(nested({ 'train.learningRate': 1, 'train.seed': 2, plugins: [] })).toEqual({
      train: { learningRate: 1, seed: 2 },
      plugins: [],
    });
  });
});
