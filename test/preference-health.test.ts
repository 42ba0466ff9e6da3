// SPDX-License-Identifier: Apache-2.0
/** The rules that watch preference losses, each in a run that is made to fail that way. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import lossDpo from '@llmf/loss-dpo';
import lossKto from '@llmf/loss-kto';
import { train } from 'llmf';
import { afterAll, describe, expect, it } from 'vitest';
import { repository } from './support/command.js';

const folder = mkdtempSync(join(tmpdir(), 'llmf-preference-health-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fixture = join(repository, 'packages', 'loss-kto', 'fixtures', 'trl-curve.json');
interface Row {
  readonly promptIds: readonly number[];
  readonly responseIds: readonly number[];
}
const { rows } = JSON.parse(readFileSync(fixture, 'utf8')) as { readonly rows: readonly Row[] };
const lines = (all: readonly object[]) => all.map((row) => `${JSON.stringify(row)}\n`).join('');
writeFileSync(join(folder, 'unpaired.jsonl'), lines(rows));
writeFileSync(
  join(folder, 'pairs.jsonl'),
  lines(
    rows.map(({ promptIds, responseIds }, at) => ({
      promptIds,
      chosenIds: responseIds,
      rejectedIds: [...rows[(at + 7) % rows.length]!.responseIds, 9],
    })),
  ),
);

let runs = 0;
async function health(loss: object, plugin: object, learningRate: number, maxSteps: number): Promise<string[]> {
  const said: string[] = [];
  const keep = (line: string) => void said.push(line);
  const config = {
    model: { path: join(repository, 'packages', 'models', 'fixtures', 'llama') },
    adapter: 'none',
    backend: { precision: 'f32' },
    data: {
      train: [{ path: 'name' in loss && loss.name === 'kto' ? 'unpaired.jsonl' : 'pairs.jsonl' }],
      shuffle: false,
    },
    train: {
      maxSteps,
      batchSize: 4,
      gradientAccumulation: 1,
      learningRate,
      schedule: 'constant',
      warmupRatio: 0,
      logEvery: 1,
    },
    loss,
    plugins: [plugin],
    output: `run-${++runs}`,
  };
  await train(config as never, { folder, logger: { info: () => undefined, warn: keep } } as never);
  return said.filter((line) => line.startsWith('health'));
}

describe('a rule speaks once', () => {
  it('of a loss that stays at ln 2', async () => {
    const said = await health({ name: 'dpo', beta: 0.1 }, lossDpo(), 1e-8, 22);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^health \(step 20, loss-stuck\): .*0\.693 for 20 rows.*raise train\.learningRate/);
  });

  it('of chosen answers that become less likely', async () => {
    const said = await health({ name: 'dpo', beta: 1 }, lossDpo(), 1e-2, 40);
    expect(said.filter((line) => line.includes('chosen-falling'))).toHaveLength(1);
    expect(said.join('\n')).toMatch(
      /chosen-falling\): the reward of the chosen answers fell from .* lower train\.learningRate/,
    );
  });

  it('of a divergence that stays at 0', async () => {
    const said = await health({ name: 'kto', beta: 0.1 }, lossKto(), 1e-8, 22);
    expect(said.join('\n')).toMatch(/kl-stuck\): the estimate of the divergence has stayed at 0 for 20 rows/);
  });
});

it('none speaks of a run that learns', async () => {
  expect(await health({ name: 'dpo', beta: 0.1 }, lossDpo(), 1e-4, 12)).toEqual([]);
});
