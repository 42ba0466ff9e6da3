// SPDX-License-Identifier: Apache-2.0
import lossDpo from '@llmf/loss-dpo';
import lossSimpo from '@llmf/loss-simpo';
import { train } from 'llmf';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, succeeded } from '../support/command.js';
import { firstRunCopy, metricsOf } from '../support/first-run.js';

type Config = Parameters<typeof train>[0];
type Backend = Config['backend'];

const steps = 100;
/** The kernels differ in the order of float32 additions only; AdamW hands that on from step to step. */
const exactBound = 1e-4;
/** Products of factors rounded to bf16 (2⁻⁹ each) make every step a little different one; the drift stays this small. */
const bf16Bound = { largest: 0.02, mean: 0.002 };

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
  const config = ['--config', 'architecture/config.json', '--tokenizer', 'architecture', '--seed', '3'];
  succeeded(await llmf(['init', 'untrained', ...config], { folder: copy.folder }));
});
afterAll(() => copy.remove());

const shared = { batchSize: 4, maxSteps: steps, logEvery: 1, evalOnStart: false, seed: 5 } as const;

interface Case {
  readonly title: string;
  /** Backends whose composites it is held against; plain JavaScript takes minutes. */
  readonly composites: readonly ('js' | 'wasm')[];
  config(): Config;
}

/** 2 layers of 64 channels; the rates are such that the loss moves by more than 0.2 in 100 steps. */
const cases: readonly Case[] = [
  {
    title: 'supervised, every weight, from random weights',
    composites: ['js', 'wasm'],
    config: () => ({
      model: { path: 'untrained' },
      stage: 'sft',
      adapter: 'none',
      data: { train: [{ path: 'data/sft.json' }], maxLength: 128 },
      train: { ...shared, learningRate: 2e-4 },
    }),
  },
  {
    title: 'SimPO, every weight',
    composites: ['wasm'],
    config: () => ({
      model: { path: 'model' },
      loss: 'simpo',
      adapter: 'none',
      data: { train: [{ path: 'data/train.json' }], maxLength: 128 },
      train: { ...shared, learningRate: 1e-4 },
      plugins: [lossSimpo()],
    }),
  },
  {
    title: 'DPO, LoRA with dropout',
    composites: ['wasm'],
    config: () => ({
      model: { path: 'model' },
      loss: { name: 'dpo', beta: 0.1 },
      adapter: { name: 'lora', rank: 8, dropout: 0.1 },
      data: { train: [{ path: 'data/train.json' }], maxLength: 128 },
      train: { ...shared, learningRate: 2e-3 },
      plugins: [lossDpo()],
    }),
  },
];

describe.each(cases)('the loss curve of $title', ({ composites, config }) => {
  const native = { f32: [] as number[], bf16: [] as number[] };
  beforeAll(async () => {
    native.f32 = await curve(config(), { name: 'cpu', precision: 'f32' });
    native.bf16 = await curve(config(), { name: 'cpu', precision: 'bf16' });
  });

  it('moves by more than 0.2', () => {
    const [before, after] = [mean(native.f32.slice(0, 10)), mean(native.f32.slice(-10))];
    console.log(`from ${before.toFixed(3)} to ${after.toFixed(3)}`);
    expect(before - after).toBeGreaterThan(0.2);
  });

  it.each(composites)(
    `in f32 is that of the composites on %s to ${exactBound}`,
    { timeout: 20 * 60_000 },
    async (name) => {
      const differences = differencesOf(await curve(config(), { name, precision: 'f32' }), native.f32);
      console.log(`${name}: largest difference ${Math.max(...differences).toExponential(1)}`);
      expect(Math.max(...differences)).toBeLessThan(exactBound);
    },
  );

  it(`in bf16 is that of f32 to ${bf16Bound.largest}, on average to ${bf16Bound.mean}`, () => {
    const differences = differencesOf(native.bf16, native.f32);
    console.log(
      `bf16: largest ${Math.max(...differences).toExponential(1)}, mean ${mean(differences).toExponential(1)}`,
    );
    expect(Math.max(...differences)).toBeGreaterThan(1e-6); // it is another precision
    expect(Math.max(...differences)).toBeLessThan(bf16Bound.largest);
    expect(mean(differences)).toBeLessThan(bf16Bound.mean);
  });
});

describe('examples/first-run in bf16', () => {
  it('reaches the held-out accuracy of f32, to 0.02', async () => {
    const [f32, bf16] = [await heldOut('f32'), await heldOut('bf16')];
    console.log(`held-out accuracy ${f32} in f32, ${bf16} in bf16`);
    expect(f32).toBeGreaterThanOrEqual(0.9);
    expect(Math.abs(bf16 - f32)).toBeLessThanOrEqual(0.02); // 4 of 200 pairs
  });
});

let count = 0;
async function curve(config: Config, backend: Backend): Promise<number[]> {
  const output = `runs/${count++}`;
  const outcome = await train({ ...config, backend, output }, { folder: copy.folder });
  expect(outcome.step).toBe(steps);
  const losses = (await metricsOf(join(copy.folder, output))).flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
  expect(losses).toHaveLength(steps);
  return losses;
}

async function heldOut(precision: 'f32' | 'bf16'): Promise<number> {
  const words = ['backend.name=cpu', `backend.precision=${precision}`, `output=runs/${precision}`];
  succeeded(await llmf(['train', '--plugin', 'loss-simpo', ...words], { folder: copy.folder }));
  const rows = await metricsOf(join(copy.folder, 'runs', precision));
  return rows.flatMap((row) => row['eval_rewards/accuracies'] ?? []).at(-1)!;
}

const differencesOf = (a: readonly number[], b: readonly number[]) => a.map((value, i) => Math.abs(value - b[i]!));
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
