// SPDX-License-Identifier: Apache-2.0
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import lossDpo from '@llmf/loss-dpo';
import lossOrpo from '@llmf/loss-orpo';
import lossSimpo from '@llmf/loss-simpo';
import { initModel, qwen2 } from '@llmf/models';
import { testData } from '@llmf/testkit';
import { train } from 'llmf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { qwen2Vl } from '../src/models/qwen2-vl.js';
import { vision } from '../src/plugin.js';
import { smallQwen2Vl } from './small-model.js';

const pairs = testData('vlm-preference-sugarcrepe', 'sugarcrepe_pairs.jsonl');
const sharegpt = testData('vlm-preference-sugarcrepe', 'dpo_sharegpt_format.json');
const tokenizer = testData('tokenizers', 'qwen2-vl', 'tokenizer.json');
const isHere = pairs !== null && sharegpt !== null && tokenizer !== null;

const losses = [{ name: 'dpo', beta: 0.5 }, { name: 'orpo', beta: 0.5 }, { name: 'simpo' }];

describe.skipIf(!isHere)('real image pairs (skipped where the shared test data is absent)', () => {
  const root = mkdtempSync(join(tmpdir(), 'llmf-real-'));
  afterAll(() => rmSync(root, { recursive: true }));
  beforeAll(async () => {
    const folder = join(tokenizer!, '..');
    await initModel(join(root, 'model'), {
      config: smallQwen2Vl,
      tokenizerFolder: folder,
      seed: 1,
      find: () => qwen2Vl(() => qwen2),
    });
    const processor = join(root, 'model', 'preprocessor_config.json');
    if (!existsSync(processor)) cpSync(join(folder, 'preprocessor_config.json'), processor);
  });

  const sources = {
    'RLHF-V’s layout': () => ({ path: sharegpt! }),
    'plain columns': () => ({ path: pairs!, columns: { prompt: 'question', images: 'image' } }),
  };
  // The layout of rows and the loss know nothing of each other: every loss on one, one loss on the other.
  const runs = Object.entries(sources).flatMap(([layout, source], at) =>
    losses.slice(0, at === 0 ? losses.length : 1).map((loss) => ({ layout, source, loss })),
  );

  it.each(runs)('$loss.name on $layout learns, the tower runs once per picture', async ({ layout, source, loss }) => {
    const told: string[] = [];
    const output = `${loss.name}-${Object.keys(sources).indexOf(layout)}`;
    const config = {
      plugins: [vision(), lossDpo(), lossOrpo(), lossSimpo()],
      model: { path: './model' },
      stage: 'preference',
      loss,
      adapter: { name: 'lora', rank: 4, alpha: 16, targets: 'all' },
      data: { train: [source()], maxLength: 512, shuffle: false, maxSamples: 4 },
      vision: { image: { maxPixels: 40_000 } },
      train: {
        batchSize: 4,
        gradientAccumulation: 1,
        maxSteps: 3,
        learningRate: 0.02,
        schedule: 'constant',
        warmupRatio: 0,
        saveEvery: null,
      },
      output,
    };
    await train(config as never, {
      folder: root,
      logger: { info: (line) => told.push(line), warn: (line) => told.push(line) },
    });
    const rows = readFileSync(join(root, output, 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const found = rows.map((line) => (JSON.parse(line) as { readonly loss: number }).loss);
    if (loss.name === 'dpo') expect(found[0]).toBeCloseTo(Math.LN2, 5);
    expect(found[2]).toBeLessThan(found[0]!);
    // The first rows share one photo: the tower sees it once per step, and once in the step-0 check of a loss that has a
    // known value at its reference. Later runs find its resized bytes on disk.
    const isFirst = output === 'dpo-0';
    const seen = loss.name === 'dpo' ? 4 : 3;
    expect(told).toContain(`vision: ${seen} media through the tower, ${isFirst ? 1 : 0} decoded`);
  });
});
