// SPDX-License-Identifier: Apache-2.0
/** 50 steps over the same rows as TRL's trainers, from the same weights or adapters: oracles/training/preference_curves.py. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSafetensors, readSafetensors, toFloat32, writeSafetensors, type HostTensor } from '@llmf/core';
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

/** @param adapter a PEFT folder to go on with; left out: every weight is trained */
async function run({ model, loss, learningRate }: Omit<Curve, 'steps'>, adapter?: string): Promise<Metrics[]> {
  const isPair = loss !== 'sft';
  const name = `${model}-${loss}${adapter === undefined ? '' : '-adapter'}`;
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
      adapter: adapter === undefined ? 'none' : { name: 'lora', path: adapter },
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

interface AdapterCase extends Omit<Curve, 'steps'> {
  readonly losses: readonly number[];
}
const trained = await openSafetensors(join(repository, 'test', 'fixtures', 'trl-adapters.safetensors'));
afterAll(() => trained.close());
const about = JSON.parse(trained.metadata['about']!) as {
  readonly rank: number;
  readonly alpha: number;
  readonly cases: readonly AdapterCase[];
};

/** Tensors of the adapter of a case, before or after its steps, by PEFT's keys. */
async function adapterOf({ model, loss }: AdapterCase, when: 'start' | 'end'): Promise<Record<string, HostTensor>> {
  const prefix = `${model}.${loss}.${when}.`;
  const names = [...trained.tensors.keys()].filter((name) => name.startsWith(prefix));
  const tensors = await Promise.all(
    names.map(async (name) => [name.slice(prefix.length), await trained.read(name)] as const),
  );
  return Object.fromEntries(tensors);
}

async function adapterFolder(one: AdapterCase): Promise<string> {
  const path = join(folder, `${one.model}-${one.loss}-start`);
  mkdirSync(path);
  const start = await adapterOf(one, 'start');
  const modules = [...new Set(Object.keys(start).map((key) => /\.([^.]+)\.lora_[AB]\./.exec(key)![1]!))];
  const { rank: r, alpha: lora_alpha } = about;
  writeFileSync(
    join(path, 'adapter_config.json'),
    JSON.stringify({ peft_type: 'LORA', task_type: null, r, lora_alpha, target_modules: modules }),
  );
  await writeSafetensors(join(path, 'adapter_model.safetensors'), start);
  return path;
}

describe.each(about.cases)('LoRA by $loss on $model', (one) => {
  it('has the losses of TRL in 50 steps, and changes the adapter as TRL does within 1e-2', async () => {
    const got = await run(one, await adapterFolder(one));
    for (const [at, expected] of one.losses.entries()) {
      expect(Math.abs(got[at]!['loss']! - expected), `loss of step ${at + 1}`).toBeLessThan(1e-3);
    }
    const saved = await readSafetensors(
      join(folder, 'runs', `${one.model}-${one.loss}-adapter`, 'adapter_model.safetensors'),
    );
    const [start, end] = [await adapterOf(one, 'start'), await adapterOf(one, 'end')];
    expect(Object.keys(saved).sort()).toEqual(Object.keys(end).sort());
    for (const [key, after] of Object.entries(end)) {
      const [before, wanted, found] = [start[key]!, after, saved[key]!].map(toFloat32);
      let [difference, change] = [0, 0];
      for (const [at, value] of wanted!.entries()) {
        difference += (found![at]! - value) ** 2;
        change += (value - before![at]!) ** 2;
      }
      expect(Math.sqrt(difference / change), key).toBeLessThan(1e-2);
    }
  });
});

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
  expect(about.cases.map(({ model, loss }) => `${model} ${loss}`)).toEqual(
    curves.map(({ model, loss }) => `${model} ${loss}`),
  );
  for (const { steps } of curves) {
    const values = steps.map(({ loss }) => loss!);
    expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(0.2);
  }
});
