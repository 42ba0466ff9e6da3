// SPDX-License-Identifier: Apache-2.0
// Whole training runs in several threads of one process, which share the native backend's pool of threads.
import lossSimpo from '@llmf/loss-simpo';
import { train } from 'llmf';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { firstRunCopy, metricsOf } from './support/first-run.js';
import { sha256 } from './support/kill-and-resume.js';

const steps = 8;
const script = fileURLToPath(new URL('./support/train-in-worker.mjs', import.meta.url));

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

const shared = {
  model: { path: 'model' },
  data: { train: [{ path: 'data/train.json' }], maxLength: 128 },
} as const;
const schedule = { batchSize: 4, maxSteps: steps, logEvery: 1, evalOnStart: false, learningRate: 1e-3 } as const;

const jobs = {
  simpo: {
    weights: 'model.safetensors',
    plugins: ['@llmf/loss-simpo'],
    config: {
      ...shared,
      loss: 'simpo',
      adapter: 'none',
      train: { ...schedule, seed: 1 },
      backend: { precision: 'f32' },
    },
  },
  dpo: {
    weights: 'adapter_model.safetensors',
    plugins: ['@llmf/loss-dpo'],
    config: {
      ...shared,
      loss: 'dpo',
      adapter: { name: 'lora', rank: 4, dropout: 0.1 },
      train: { ...schedule, seed: 2 },
    },
  },
} as const;
type Name = keyof typeof jobs;

function inWorker(name: Name, output: string): Promise<{ step: number; reason: string }> {
  const { config, plugins } = jobs[name];
  const workerData = { config: { ...config, output }, plugins, folder: copy.folder };
  return new Promise((resolve, reject) => {
    const worker = new Worker(script, { workerData, execArgv: [] });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** The trained weights and every step's loss. */
async function resultOf(name: Name, output: string) {
  const folder = join(copy.folder, output);
  const losses = (await metricsOf(folder)).flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
  return { weights: await sha256(join(folder, jobs[name].weights)), losses };
}

it(
  'two workers and the main thread, training at once, each get the bits they get alone',
  { timeout: 120_000 },
  async () => {
    const finished = { step: steps, reason: 'finished' };
    for (const name of ['simpo', 'dpo'] as const) expect(await inWorker(name, `${name}-alone`)).toEqual(finished);
    const [simpo, dpo, main] = await Promise.all([
      inWorker('simpo', 'simpo-beside'),
      inWorker('dpo', 'dpo-beside'),
      train({ ...jobs.simpo.config, plugins: [lossSimpo()], output: 'simpo-main' }, { folder: copy.folder }),
    ]);
    expect([simpo, dpo]).toEqual([finished, finished]);
    expect(main).toMatchObject(finished);
    const alone = { simpo: await resultOf('simpo', 'simpo-alone'), dpo: await resultOf('dpo', 'dpo-alone') };
    expect(alone.simpo.losses).toHaveLength(steps);
    expect(await resultOf('simpo', 'simpo-beside')).toEqual(alone.simpo);
    expect(await resultOf('dpo', 'dpo-beside')).toEqual(alone.dpo);
    expect(await resultOf('simpo', 'simpo-main')).toEqual(alone.simpo);
  },
);
