// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSafetensors, toFloat32 } from '@llmf/core';
import lossDpo from '@llmf/loss-dpo';
import lossOrpo from '@llmf/loss-orpo';
import lossSimpo from '@llmf/loss-simpo';
import { initModel, qwen2 } from '@llmf/models';
import { testData } from '@llmf/testkit';
import { train } from 'llmf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { qwen2Vl } from '../src/models/qwen2-vl.js';
import { vision } from '../src/plugin.js';

/** Written by oracles/vision/trl_dpo_curve.py from TRL 1.13. */
interface Oracle {
  readonly settings: {
    readonly steps: number;
    readonly rows: number;
    readonly learningRate: number;
    readonly beta: number;
    readonly rank: number;
    readonly alpha: number;
    readonly batchSize: number;
    readonly gradientAccumulation: number;
    readonly warmupRatio: number;
    readonly maxPixels: number;
    readonly minPixels: number;
    readonly maxGradNorm: number;
    readonly weightDecay: number;
  };
  readonly curve: readonly { readonly loss: number; readonly margin: number; readonly learningRate: number }[];
}

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/trl-dpo/${name}`, import.meta.url));
const { settings, curve } = JSON.parse(readFileSync(fixture('curve.json'), 'utf8')) as Oracle;
const pairs = testData('vlm-preference-sugarcrepe', 'dpo_sharegpt_format.json');
const tokenizer = testData('tokenizers', 'qwen2-vl', 'tokenizer.json');

interface Step {
  readonly step: number;
  readonly loss: number;
  readonly 'rewards/margins'?: number;
}

describe.skipIf(pairs === null || tokenizer === null)(
  'real image pairs as LLaMA-Factory’s example trains on them (skipped where the shared test data is absent)',
  { timeout: 300_000 },
  () => {
    const root = mkdtempSync(join(tmpdir(), 'llmf-trl-'));
    afterAll(() => rmSync(root, { recursive: true }));
    beforeAll(async () => {
      await initModel(join(root, 'model'), {
        config: JSON.parse(readFileSync(fixture('config.json'), 'utf8')) as Record<string, unknown>,
        tokenizerFolder: join(tokenizer!, '..'),
        seed: 1,
        find: () => qwen2Vl(() => qwen2),
      });
      const { minPixels: min_pixels, maxPixels: max_pixels } = settings;
      const processor = join(root, 'model', 'preprocessor_config.json');
      const given = JSON.parse(readFileSync(processor, 'utf8')) as object;
      writeFileSync(processor, JSON.stringify({ ...given, min_pixels, max_pixels }));
      mkdirSync(join(root, 'start'));
      cpSync(fixture('start.safetensors'), join(root, 'start', 'adapter_model.safetensors'));
      const targets = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'].map((name) => `${name}_proj`);
      const adapter = { peft_type: 'LORA', r: settings.rank, lora_alpha: settings.alpha, target_modules: targets };
      writeFileSync(join(root, 'start', 'adapter_config.json'), JSON.stringify(adapter));
    });

    /** The example's settings; its learning rate, batch and number of rows are the oracle's. */
    const run = async (output: string, changes: Record<string, unknown>) => {
      const { batchSize, gradientAccumulation, learningRate, warmupRatio, steps, maxGradNorm, weightDecay } = settings;
      const config = {
        plugins: [vision(), lossDpo(), lossOrpo(), lossSimpo()],
        model: { path: './model' },
        backend: { name: 'auto', precision: 'f32' },
        stage: 'preference',
        adapter: { name: 'lora', path: 'start' },
        data: { train: [{ path: pairs! }], maxLength: 1024, shuffle: false, maxSamples: settings.rows },
        train: {
          batchSize,
          gradientAccumulation,
          learningRate,
          warmupRatio,
          maxGradNorm,
          weightDecay,
          maxSteps: steps,
          schedule: 'cosine',
          saveEvery: null,
          logEvery: 1,
        },
        output,
        ...changes,
      };
      const logger = { info: () => undefined, warn: () => undefined };
      await train(config as never, { folder: root, logger });
      const lines = readFileSync(join(root, output, 'metrics.jsonl'), 'utf8')
        .trim()
        .split('\n');
      return lines.map((line) => JSON.parse(line) as Step);
    };

    it('DPO: 20 steps as TRL’s, loss to 1e-3 while it moves by 0.2, adapter to 1e-2 of its change', async () => {
      const losses = (await run('dpo', { loss: { name: 'dpo', beta: settings.beta } })).map(({ loss }) => loss);
      expect(losses).toHaveLength(20);
      expect(losses[0]! - Math.min(...losses)).toBeGreaterThan(0.2);
      const apart = losses.map((loss, at) => Math.abs(loss - curve[at]!.loss));
      expect(Math.max(...apart)).toBeLessThan(1e-3);

      const read = async (file: string) =>
        Object.entries(await readSafetensors(file)).map(([name, tensor]) => [name, toFloat32(tensor)] as const);
      const [start, trained, ours] = await Promise.all(
        [fixture('start.safetensors'), fixture('end.safetensors'), join(root, 'dpo', 'adapter_model.safetensors')].map(
          read,
        ),
      );
      const own = new Map(ours);
      let difference = 0;
      let change = 0;
      for (const [at, [name, values]] of trained!.entries()) {
        const before = start![at]![1];
        values.forEach((value, i) => {
          difference += (own.get(name)![i]! - value) ** 2;
          change += (value - before[i]!) ** 2;
        });
      }
      expect(own.size).toBe(trained!.length);
      expect(Math.sqrt(difference / change)).toBeLessThan(1e-2);
    });

    it.each([
      ['orpo', { name: 'orpo', beta: 0.1 }],
      ['simpo', { name: 'simpo' }],
    ])('%s: runs to the end with the same settings and falls', async (name, loss) => {
      const steps = await run(name, { loss });
      expect(steps).toHaveLength(20);
      const mean = (part: readonly Step[]) => part.reduce((sum, { loss: value }) => sum + value, 0) / part.length;
      expect(mean(steps.slice(-5))).toBeLessThan(mean(steps.slice(0, 5)) - 0.05);
    });
  },
);
