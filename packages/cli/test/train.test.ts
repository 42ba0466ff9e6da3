// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { train } from '../src/index.js';
import { TestFolder, toyConfig, toyPlugin } from './support/folder.js';
import { testIo } from './support/test-io.js';

let folder: TestFolder;
beforeEach(async () => {
  folder = await TestFolder.create();
  await folder.write('llmf.yaml', toyConfig);
});
afterEach(async () => {
  delete (globalThis as { toyStep?: unknown }).toyStep;
  await folder.remove();
});

const llmf = (...argv: string[]) => folder.llmf('train', '--plugin', toyPlugin, ...argv);
const onStep = (act: (step: number) => void) => Object.assign(globalThis, { toyStep: act });
const rows = async (output = 'run') =>
  (await folder.read(`${output}/metrics.jsonl`))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number>);

describe('llmf train', () => {
  it('runs to the end and leaves metrics, run.json, checkpoint and plot', async () => {
    const { status, out, err } = await llmf();
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toContain('step 8/8 · loss 0.5743');
    expect(out).toContain('finished at step 8');
    expect((await rows()).filter(({ loss }) => loss !== undefined).map(({ step }) => step)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ]);
    expect(await folder.list('run')).toEqual(
      expect.arrayContaining(['checkpoints', 'loss.svg', 'metrics.jsonl', 'run.json']),
    );
    expect(await folder.read('run/loss.svg')).toContain('run: loss');
    const record = JSON.parse(await folder.read('run/run.json')) as {
      config: { plugins: string[]; train: { seed: number } };
      versions: Record<string, string>;
    };
    expect(record.versions).toMatchObject({ llmf: '0.1.0', '@llmf/core': '0.1.0', '@llmf/nn': '0.1.0' });
    expect(record.config.plugins).toEqual([toyPlugin]);
    expect(record.config.train.seed).toBe(42);
  });

  it('lets the command line override the config', async () => {
    expect((await llmf('train.maxSteps=3', 'output=elsewhere', 'train.logEvery=3')).status).toBe(0);
    expect((await rows('elsewhere')).map(({ step }) => step)).toEqual([3, 3]); // one step row, one evaluation
  });

  it('shows one live line on a terminal', async () => {
    const io = testIo({ folder: folder.path, isTerminal: true });
    await folder.llmfWith(io, 'train', '--plugin', toyPlugin);
    expect(io.text.out).toContain('\r\x1b[2K');
    expect(io.text.out).toMatch(/step \d\/8/);
    expect(io.text.out.endsWith('\n')).toBe(true);
  });

  it('stops after the step of the first Ctrl-C with a checkpoint, and --resume does the rest', async () => {
    const io = testIo({ folder: folder.path });
    onStep((step) => step === 3 && io.interrupt());
    const first = await folder.llmfWith(io, 'train', '--plugin', toyPlugin);
    expect(first.status).toBe(130);
    expect(first.out).toContain('Ctrl-C again leaves at once');
    expect(first.out).toContain('interrupted after step 3; continue with --resume');
    expect(await folder.list('run/checkpoints')).toEqual(['step-3']);

    expect((await llmf('--resume')).status).toBe(0);
    const all = (await rows()).filter(({ loss }) => loss !== undefined);
    expect(all.map(({ step, seen }) => [step, seen])).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((step) => [step, step]));
  });

  it('starts afresh with --resume when there is no checkpoint', async () => {
    expect((await llmf('--resume')).status).toBe(0);
  });

  it('prints options of all loaded plugins with --help, with a config or without', async () => {
    const help = await llmf('--help');
    expect(help.status).toBe(0);
    for (const part of ['Usage: llmf train', 'train.learningRate', 'data.maxLength', 'stage: toy', 'nanAt']) {
      expect(help.out).toContain(part);
    }
    await folder.write('llmf.yaml', 'train: [');
    const broken = await llmf('llmf.yaml', '--help');
    expect(broken.status).toBe(0);
    expect(broken.err).toContain('warning: the config is not used here');
    expect(broken.out).toContain('train.learningRate');
  });
});

describe('train() in a program', () => {
  const config = {
    stage: { name: 'toy', stepsPerEpoch: 2 },
    backend: 'toy',
    model: { path: './model' },
    data: { train: [{ path: 'rows.jsonl' }] },
    output: 'run',
  };

  it('takes plugins as values', async () => {
    const { default: toy } = (await import('./support/toy.mjs')) as { default: () => never };
    const outcome = await train({ ...config, plugins: [toy()] }, { folder: folder.path });
    expect(outcome).toMatchObject({ step: 2, reason: 'finished' });
    expect(outcome.metrics['loss']).toBeCloseTo(2 ** -0.2, 12);
    const record = JSON.parse(await folder.read('run/run.json')) as { config: { plugins: string[] } };
    expect(record.config.plugins).toEqual(['toy']);
  });

  it('takes plugins by name, stops on a signal, and throws what the command line prints', async () => {
    const stop = new AbortController();
    onStep((step) => step === 1 && stop.abort());
    const options = { folder: folder.path, signal: stop.signal };
    expect(await train({ ...config, plugins: [toyPlugin] }, options)).toMatchObject({ step: 1, reason: 'interrupted' });
    await expect(train({ ...config, plugins: [toyPlugin], trian: {} }, options)).rejects.toMatchObject({
      code: 'LLMF_CORE_UNKNOWN_KEY',
      detail: { where: 'the config given to train()' },
    });
  });
});
