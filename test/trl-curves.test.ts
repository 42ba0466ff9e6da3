// SPDX-License-Identifier: Apache-2.0
/** 20 steps over the same rows as TRL's trainers, from the same weights: oracles/training/trl_curves.py. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import algoReward from '@llmf/algo-reward';
import lossKto from '@llmf/loss-kto';
import { llama, createModelLoader } from '@llmf/models';
import { AttachedHead } from '@llmf/nn';
import { train } from 'llmf';
import { afterAll, describe, expect, it } from 'vitest';
import { repository } from './support/command.js';
import { metricsOf } from './support/first-run.js';

type Metrics = Readonly<Record<string, number>>;
interface Curve {
  readonly settings: {
    readonly steps: number;
    readonly rows: number;
    readonly batchSize: number;
    readonly learningRate: number;
  };
  /** Options of the loss. */
  readonly loss: Readonly<Record<string, unknown>>;
  readonly rows: readonly object[];
  readonly steps: readonly Metrics[];
}

const folder = mkdtempSync(join(tmpdir(), 'llmf-trl-curves-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const model = join(repository, 'packages', 'models', 'fixtures', 'llama');
const curveOf = (name: string): Curve =>
  JSON.parse(readFileSync(join(repository, 'packages', name, 'fixtures', 'trl-curve.json'), 'utf8')) as Curve;

type Config = Parameters<typeof train>[0];

/** The metrics of every step. */
async function run(name: string, { settings, rows }: Curve, config: Config): Promise<Metrics[]> {
  writeFileSync(join(folder, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const { steps, batchSize, learningRate } = settings;
  const constant = {
    schedule: 'constant',
    warmupRatio: 0,
    weightDecay: 0,
    maxGradNorm: 1,
    evalOnStart: false,
  } as const;
  await train(
    {
      model: { path: model },
      adapter: 'none',
      backend: { precision: 'f32' },
      data: { train: [{ path: `${name}.jsonl` }], shuffle: false },
      output: `runs/${name}`,
      train: { maxSteps: steps, batchSize, gradientAccumulation: 1, learningRate, logEvery: 1, ...constant },
      ...config,
    },
    { folder },
  );
  return (await metricsOf(join(folder, 'runs', name))).filter((row) => 'loss' in row);
}

/** Differences of float32 in another order grow from step to step. */
function expectCurve(got: readonly Metrics[], { steps }: Curve): void {
  expect(got).toHaveLength(steps.length);
  for (const [at, expected] of steps.entries()) {
    for (const [name, value] of Object.entries(expected)) {
      const bound = 1e-3 * Math.max(1, Math.abs(value));
      expect(Math.abs(got[at]![name]! - value), `${name} of step ${at + 1}: ${got[at]![name]}, ${value}`).toBeLessThan(
        bound,
      );
    }
  }
}

describe('KTO', () => {
  const curve = curveOf('loss-kto');

  it('has the loss, gradients and metrics of TRL in 20 steps, the divergence included', async () => {
    const got = await run('kto', curve, { loss: { name: 'kto', ...curve.loss }, plugins: [lossKto()] });
    expectCurve(got, curve);
    expect(curve.steps.filter(({ kl }) => kl! > 0).length).toBeGreaterThan(10); // it is more than its bound
  });
});

describe('a reward model', () => {
  const curve = curveOf('algo-reward') as Curve & { readonly head: readonly number[] };

  /** The classifier's folder that TRL begins with: the language model and a given head. */
  async function classifier(): Promise<string> {
    const find = () => llama;
    const loader = createModelLoader({ find });
    const output = join(folder, 'classifier');
    const base = await loader.load(model, { isTrainable: () => false, find, withoutHead: true });
    const head = { name: 'score', outputs: 1, at: 'last', replacesLanguageModel: true } as const;
    const data = new Uint8Array(Float32Array.from(curve.head).buffer);
    const tensors = { 'score.weight': { dtype: 'F32', shape: [1, base.hiddenSize], data } as const };
    const heads = [AttachedHead.load(head, base.hiddenSize, { heads: [head], tensors, folder })];
    await loader.save(base, output, { source: model, dtype: 'auto', heads });
    return output;
  }

  it('has the loss, gradients and metrics of TRL in 20 steps, with margins and centred', async () => {
    const path = await classifier();
    const got = await run('reward', curve, {
      model: { path },
      loss: { name: 'reward', ...curve.loss },
      plugins: [algoReward()],
    });
    expectCurve(got, curve);
    const config = JSON.parse(readFileSync(join(folder, 'runs', 'reward', 'config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ architectures: ['LlamaForSequenceClassification'], num_labels: 1 });
  });
});
