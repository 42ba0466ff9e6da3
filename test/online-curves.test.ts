// SPDX-License-Identifier: Apache-2.0
/** 20 steps over the same answers with the same scores as TRL's trainers, from the same weights: oracles/rollouts/curves.py. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import algoGrpo from '@llmf/algo-grpo';
import algoOnlineDpo from '@llmf/algo-online-dpo';
import lossDpo from '@llmf/loss-dpo';
import { GeneratorToken, type Completion, type GenerationRequest } from '@llmf/nn';
import { train } from 'llmf';
import { afterAll, expect, it } from 'vitest';
import { repository } from './support/command.js';
import { metricsOf } from './support/first-run.js';
import { ruleOf, watcher } from './support/online.js';

type Metrics = Readonly<Record<string, number>>;
interface Curve {
  readonly stage?: Readonly<Record<string, unknown>>;
  readonly loss?: Readonly<Record<string, unknown>>;
  readonly rows: readonly {
    readonly promptIds: readonly number[];
    readonly answers: readonly (readonly number[])[];
    readonly scores: readonly number[];
  }[];
  readonly steps: readonly Metrics[];
}

const folder = mkdtempSync(join(tmpdir(), 'llmf-online-curves-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const curveOf = (name: string): Curve =>
  JSON.parse(readFileSync(join(repository, 'packages', name, 'fixtures', 'trl-curve.json'), 'utf8')) as Curve;

/** A generator and a reward that know the answers and the scores. */
function scriptOf({ rows }: Curve) {
  const known = new Map(rows.map((row) => [row.promptIds.join(' '), row]));
  const of = (ids: Int32Array) => known.get([...ids].join(' '))!;
  async function* complete(requests: readonly GenerationRequest[]): AsyncGenerator<Completion> {
    for (const [request, { ids }] of requests.entries())
      for (const [answer, given] of of(ids).answers.entries()) {
        const logProbs = new Float32Array(given.length);
        yield { request, answer, ids: Int32Array.from(given), logProbs, reason: 'stop' };
      }
  }
  const generator = watcher((run) => run.container.register(GeneratorToken, { open: () => ({ complete }) }));
  return [generator, ruleOf((all) => all.map(({ promptIds, number }) => of(promptIds).scores[number]!))];
}

const optimization = {
  maxSteps: 20,
  batchSize: 2,
  gradientAccumulation: 1,
  learningRate: 1e-3,
  schedule: 'constant',
  warmupRatio: 0,
  weightDecay: 0,
  maxGradNorm: 1,
  logEvery: 1,
  evalOnStart: false,
} as const;

it.each([
  ['grpo', [algoGrpo()]],
  ['online-dpo', [algoOnlineDpo(), lossDpo()]],
])('%s has the loss, gradients and metrics of TRL in 20 steps', async (name, plugins) => {
  const curve = curveOf(`algo-${name}`);
  const rows = curve.rows.map(({ promptIds }) => `${JSON.stringify({ promptIds, responseIds: [3] })}\n`);
  writeFileSync(join(folder, `${name}.jsonl`), rows.join(''));
  const config = {
    model: { path: join(repository, 'packages', 'models', 'fixtures', 'llama') },
    stage: { name, maxNewTokens: 8, shownSamples: 0, ...curve.stage },
    ...(curve.loss === undefined ? {} : { loss: curve.loss }),
    rewards: 'rule',
    adapter: 'none',
    backend: { precision: 'f32' },
    data: { train: [{ path: `${name}.jsonl` }], shuffle: false },
    train: optimization,
    plugins: [...plugins, ...scriptOf(curve)],
    output: name,
  };
  await train(config as never, { folder });
  const got = await metricsOf(join(folder, name));
  expect(got).toHaveLength(20);
  for (const [at, expected] of curve.steps.entries()) {
    for (const [key, value] of Object.entries(expected)) {
      const [ours, bound] = [got[at]![key]!, 1e-3 * Math.max(1, Math.abs(value))];
      expect(Math.abs(ours - value), `${key} of step ${at + 1}: ${ours}, ${value}`).toBeLessThan(bound);
    }
  }
});
