// SPDX-License-Identifier: Apache-2.0
/** 50 steps over the same rows as TRL's trainers, from the same weights: oracles/training/preference_curves.py. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import lossDpo from '@llmf/loss-dpo';
import lossOrpo from '@llmf/loss-orpo';
import lossSimpo from '@llmf/loss-simpo';
import { train } from 'llmf';
import { afterAll, describe, expect, it } from 'vitest';
import { repository } from '../support/command.js';
import { metricsOf } from '../support/first-run.js';

type Metrics = Readonly<Record<string, number>>;
interface Row {
  readonly promptIds: readonly number[];
  readonly chosenIds: readonly number[];
  readonly rejectedIds: readonly number[];
}
interface Curve {
  readonly model: string;
  readonly loss: 'sft' | 'dpo' | 'orpo' | 'simpo';
  readonly learningRate: number;
  readonly steps: readonly Metrics[];
}
const { settings, rows, curves } = JSON.parse(
  readFileSync(join(repository, 'test', 'fixtures', 'trl-curves.json'), 'utf8'),
) as {
  readonly settings: { readonly steps: number; readonly batchSize: number };
  readonly rows: Readonly<Record<string, readonly Row[]>>;
  readonly curves: readonly Curve[];
};

const folder = mkdtempSync(join(tmpdir(), 'llmf-preference-curves-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const losses = {
  sft: { name: 'sft' },
  dpo: { name: 'dpo', beta: 0.1 },
  orpo: { name: 'orpo', beta: 0.1 },
  simpo: { name: 'simpo', beta: 2, gamma: 1 },
} as const;

/** What TRL logs and we do not: numbers of logits, which are never stored, and CPO's likelihood where it has no weight. */
const notOurs = ({ loss }: Curve): readonly string[] => [
  'step',
  'entropy',
  'mean_token_accuracy',
  'logits/chosen',
  'logits/rejected',
  ...(loss === 'simpo' ? ['nll_loss'] : []),
];

async function run({ model, loss, learningRate }: Curve): Promise<Metrics[]> {
  const isPair = loss !== 'sft';
  const name = `${model}-${loss}`;
  const content = rows[model]!.map((row) => (isPair ? row : { promptIds: row.promptIds, responseIds: row.chosenIds }));
  writeFileSync(join(folder, `${name}.jsonl`), content.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const constant = {
    schedule: 'constant',
    warmupRatio: 0,
    weightDecay: 0,
    maxGradNorm: 1,
    evalOnStart: false,
  } as const;
  await train(
    {
      model: { path: join(repository, 'packages', 'models', 'fixtures', model) },
      stage: isPair ? 'preference' : 'sft',
      loss: losses[loss],
      adapter: 'none',
      backend: { precision: 'f32' },
      data: { train: [{ path: `${name}.jsonl` }], shuffle: false },
      output: `runs/${name}`,
      train: {
        maxSteps: settings.steps,
        batchSize: settings.batchSize,
        gradientAccumulation: 1,
        learningRate,
        logEvery: 1,
        ...constant,
      },
      plugins: [lossDpo(), lossOrpo(), lossSimpo()],
    } as Parameters<typeof train>[0],
    { folder },
  );
  return (await metricsOf(join(folder, 'runs', name))).filter((row) => 'loss' in row);
}

describe.each(curves)('$loss on $model', (curve) => {
  it('has the loss and the metrics of TRL in 50 steps', async () => {
    const got = await run(curve);
    expect(got).toHaveLength(settings.steps);
    const names = Object.keys(curve.steps[0]!).filter((name) => !notOurs(curve).includes(name));
    expect(names).toContain('loss');
    for (const [at, expected] of curve.steps.entries()) {
      for (const name of names) {
        const bound = 1e-3 * (name === 'loss' ? 1 : Math.max(1, Math.abs(expected[name]!)));
        const difference = Math.abs(got[at]![name]! - expected[name]!);
        expect(difference, `${name} of step ${at + 1}: ${got[at]![name]}, ${expected[name]}`).toBeLessThan(bound);
      }
    }
  });
});

it('covers SFT, DPO, ORPO and SimPO on two decoders, SFT on an encoder–decoder; each loss moves by 0.2', () => {
  expect(curves.map(({ model, loss }) => `${model} ${loss}`)).toEqual([
    ...['llama', 'gpt-neox'].flatMap((model) => ['sft', 'dpo', 'orpo', 'simpo'].map((loss) => `${model} ${loss}`)),
    't5 sft',
  ]);
  for (const { steps } of curves) {
    const values = steps.map(({ loss }) => loss!);
    expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(0.2);
  }
});
