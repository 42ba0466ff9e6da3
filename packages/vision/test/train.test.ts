// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import lossDpo from '@llmf/loss-dpo';
import { train } from 'llmf';
import { afterAll, describe, expect, it } from 'vitest';
import { vision } from '../src/plugin.js';
import { tinyNames, type TinyName } from './tiny-fixture.js';

const root = mkdtempSync(join(tmpdir(), 'llmf-vision-train-'));
afterAll(() => rmSync(root, { recursive: true }));
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

/** A folder with a tiny model and rows of token ids that show pictures. */
function workFolder(name: TinyName): string {
  const folder = join(root, name);
  mkdirSync(join(folder, 'model'), { recursive: true });
  for (const file of ['config.json', 'model.safetensors'])
    cpSync(join(fixture(name), file), join(folder, 'model', file));
  const processor = { image_processor_type: 'Qwen2VLImageProcessor', patch_size: 4, min_pixels: 64, max_pixels: 2560 };
  writeFileSync(join(folder, 'model', 'preprocessor_config.json'), JSON.stringify(processor));
  cpSync(fixture('images'), join(folder, 'images'), { recursive: true });
  const files = ['rgb-70x70.png', 'jpeg-420.jpg', 'gif-still.gif', 'png-rgba.png', 'webp-lossy.webp', 'jpeg-cmyk.jpg'];
  const rows = files.map((file, at) => ({
    promptIds: [5, 6 + at, 112, 110, 113, 7],
    chosenIds: [20 + at, 21, 22],
    rejectedIds: [40 + at, 41],
    images: [`images/${file}`],
  }));
  writeFileSync(join(folder, 'rows.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
  return folder;
}

const config = (changes: Record<string, unknown> = {}) => ({
  plugins: [vision(), lossDpo()],
  model: { path: './model' },
  stage: 'preference',
  loss: { name: 'dpo', beta: 0.5 },
  adapter: { name: 'lora', rank: 4, alpha: 8, targets: 'all' },
  data: { train: [{ path: 'rows.jsonl' }], maxLength: 200, shuffle: false },
  train: {
    batchSize: 3,
    gradientAccumulation: 1,
    maxSteps: 4,
    learningRate: 0.02,
    schedule: 'constant',
    warmupRatio: 0,
    saveEvery: null,
  },
  output: 'run',
  ...changes,
});
const metricsOf = (folder: string, output = 'run') =>
  readFileSync(join(folder, output, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly loss: number });

describe.each(tinyNames)('DPO on pictures with %s', (name) => {
  it('starts at ln 2, learns, and runs the tower once per picture and batch', async () => {
    const folder = workFolder(name);
    const told: string[] = [];
    await train(config() as never, {
      folder,
      logger: { info: (line) => told.push(line), warn: (line) => told.push(line) },
    });
    const losses = metricsOf(folder).map(({ loss }) => loss);
    expect(losses.length).toBe(4);
    expect(losses[0]).toBeCloseTo(Math.LN2, 5);
    expect(losses[3]).toBeLessThan(losses[0]! - 0.05);
    // 4 steps of 3 pairs with a picture each; policy and reference share the tower's pass; the step-0 check is one more.
    expect(told).toContain('vision: 15 media through the tower, 6 decoded');
    const adapter = JSON.parse(readFileSync(join(folder, 'run', 'adapter_config.json'), 'utf8')) as {
      target_modules: string[];
    };
    expect(JSON.stringify(adapter.target_modules)).not.toContain('visual');
  });
});
