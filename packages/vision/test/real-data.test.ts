// SPDX-License-Identifier: Apache-2.0
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import lossDpo from '@llmf/loss-dpo';
import { initModel, qwen2 } from '@llmf/models';
import { testData } from '@llmf/testkit';
import { train } from 'llmf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { qwen2Vl } from '../src/models/qwen2-vl.js';
import { vision } from '../src/plugin.js';

const pairs = testData('vlm-preference-sugarcrepe', 'sugarcrepe_pairs.jsonl');
const sharegpt = testData('vlm-preference-sugarcrepe', 'dpo_sharegpt_format.json');
const tokenizer = testData('tokenizers', 'qwen2-vl', 'tokenizer.json');
const isHere = pairs !== null && sharegpt !== null && tokenizer !== null;

/** A Qwen2-VL of two narrow layers over the real vocabulary. */
const small = {
  model_type: 'qwen2_vl',
  vocab_size: 151936,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 4096,
  rms_norm_eps: 1e-6,
  tie_word_embeddings: true,
  initializer_range: 0.05,
  rope_theta: 1e6,
  rope_scaling: { type: 'mrope', mrope_section: [2, 1, 1] },
  vision_config: { depth: 1, embed_dim: 32, hidden_size: 32, mlp_ratio: 2, num_heads: 4 },
};

describe.skipIf(!isHere)('real image pairs (skipped where the shared test data is absent)', () => {
  const root = mkdtempSync(join(tmpdir(), 'llmf-real-'));
  afterAll(() => rmSync(root, { recursive: true }));
  beforeAll(async () => {
    const folder = join(tokenizer!, '..');
    await initModel(join(root, 'model'), {
      config: small,
      tokenizerFolder: folder,
      seed: 1,
      find: () => qwen2Vl(() => qwen2),
    });
    const processor = join(root, 'model', 'preprocessor_config.json');
    if (!existsSync(processor)) cpSync(join(folder, 'preprocessor_config.json'), processor);
  });

  it.each([
    ['the RLHF-V layout', 1, () => ({ path: sharegpt! })],
    // The same photo again: its resized bytes are found on disk.
    ['plain columns', 0, () => ({ path: pairs!, columns: { prompt: 'question', images: 'image' } })],
  ])('%s: DPO starts at ln 2 and falls', async (name, decoded, source) => {
    const told: string[] = [];
    const output = name.replaceAll(' ', '-');
    const config = {
      plugins: [vision(), lossDpo()],
      model: { path: './model' },
      backend: 'wasm',
      stage: 'preference',
      loss: { name: 'dpo', beta: 0.5 },
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
    const losses = rows.map((line) => (JSON.parse(line) as { readonly loss: number }).loss);
    expect(losses[0]).toBeCloseTo(Math.LN2, 5);
    expect(losses[2]).toBeLessThan(losses[0]!);
    // The first rows share one photo: the tower sees it once per step (and once in the step-0 check).
    expect(told).toContain(`vision: 4 media through the tower, ${decoded} decoded`);
  });
});
