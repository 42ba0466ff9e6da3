// SPDX-License-Identifier: Apache-2.0
/** `llmf check` beside the peak in metrics.jsonl, each command in a process of its own, with 31 million weights. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuBackend } from '@llmf/backend-cpu';
import { architectures, initModel } from '@llmf/models';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { llmf, repository, succeeded } from './command.js';

export interface EstimateCase {
  readonly title: string;
  readonly stored: 'BF16' | 'F32';
  readonly precision: 'bf16' | 'f32';
  readonly loss: 'dpo' | 'sft';
  readonly adapter: 'lora' | 'none';
  readonly gradientCheckpointing: boolean;
}

const tolerance = 0.15;
const vocabulary = 16_384;
const shape = { hidden_size: 512, intermediate_size: 1408, num_hidden_layers: 8, num_attention_heads: 8 };

export function describeEstimates(cases: readonly EstimateCase[]): void {
  describe('the estimate of llmf check on the native backend', () => {
    const folder = mkdtempSync(join(tmpdir(), 'llmf-estimate-'));
    let reason: string | null;
    beforeAll(async () => {
      reason = await cpuBackend.unavailable();
      for (const dtype of ['BF16', 'F32'] as const) await makeModel(join(folder, dtype), dtype);
      for (const loss of ['dpo', 'sft'] as const) writeFileSync(join(folder, `${loss}.jsonl`), rowsOf(loss));
    });
    beforeEach((test) => {
      if (reason !== null) test.skip(reason);
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it.each(cases)('is within 15 % of the peak: $title', { timeout: 300_000 }, async (one) => {
      writeFileSync(join(folder, 'llmf.json'), JSON.stringify(configOf(one)));
      const plugins = one.loss === 'dpo' ? ['--plugin', join(repository, 'packages', 'loss-dpo')] : [];
      const command = async (name: string) => succeeded(await llmf([name, 'llmf.json', ...plugins], { folder }));
      const estimated = statedBytes(await command('check'));
      await command('train');
      const peak = peakBytes(readFileSync(join(folder, one.title, 'metrics.jsonl'), 'utf8'));
      expect(Math.abs(estimated / peak - 1), `${estimated} and ${peak} bytes`).toBeLessThan(tolerance);
    });
  });
}

async function makeModel(folder: string, dtype: EstimateCase['stored']): Promise<void> {
  const architecture = join(repository, 'examples', 'first-run', 'architecture');
  const config = JSON.parse(readFileSync(join(architecture, 'config.json'), 'utf8')) as object;
  await initModel(folder, {
    config: { ...config, ...shape, max_position_embeddings: 4096, vocab_size: vocabulary },
    tokenizerFolder: architecture,
    seed: 0,
    dtype,
    find: (modelType) => architectures.find(({ name }) => name === modelType)!,
  });
}

/** Two steps of one microbatch: about 1,200 tokens of two pairs with their prompt once, or 800 of two answered prompts. */
function rowsOf(loss: EstimateCase['loss']): string {
  const ids = (length: number, seed: number) =>
    Array.from({ length }, (_, index) => ((index + seed) * 7919) % vocabulary);
  const rows = Array.from({ length: 4 }, (_, row) =>
    loss === 'dpo'
      ? { promptIds: ids(200, row), chosenIds: ids(200, row + 1), rejectedIds: ids(200, row + 2) }
      : { promptIds: ids(200, row), responseIds: ids(200, row + 1) },
  );
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

function configOf({ title, stored, precision, loss, adapter, gradientCheckpointing }: EstimateCase): object {
  return {
    model: { path: stored },
    ...(loss === 'dpo' ? { loss: 'dpo' } : { stage: 'sft' }),
    adapter: adapter === 'lora' ? { name: adapter, rank: 8 } : adapter,
    data: { train: [{ path: `${loss}.jsonl` }], maxLength: 4096 },
    train: {
      batchSize: 2,
      gradientAccumulation: 1,
      epochs: 1,
      gradientCheckpointing,
      saveEvery: null,
      evalEvery: null,
    },
    backend: { name: 'cpu', precision },
    output: title,
  };
}

const units: Readonly<Record<string, number>> = { MiB: 2 ** 20, GiB: 2 ** 30 };

/** `memory: about 548 MiB at the peak, …`. */
function statedBytes(text: string): number {
  const [, value, unit] = /memory: about ([\d.]+) (\w+) at the peak/.exec(text)!;
  return Number(value) * units[unit!]!;
}

function peakBytes(metrics: string): number {
  const rows = metrics
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { peakMemoryBytes?: number });
  return Math.max(...rows.map(({ peakMemoryBytes = 0 }) => peakMemoryBytes));
}
