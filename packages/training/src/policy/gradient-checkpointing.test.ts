// SPDX-License-Identifier: Apache-2.0
import { createContainer, PrecisionToken, type Run } from '@llmf/core';
import { tf } from '@llmf/nn';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OptimizerToken } from '../contracts/optimizer.js';
import { adamw } from '../optimizers/adamw.js';
import type { Rows } from '../rows/rows.js';
import { recomputesBlocks } from './gradient-checkpointing.js';

/** 64 blocks of a layer that writes 1,024 numbers: 256 MiB of activations a thousand tokens. */
const blocks = Array.from({ length: 64 }, (_, index) => `model.layers.${index}`);
const linears = new Map(
  blocks.map((block) => [
    `${block}.mlp.down_proj`,
    { path: `${block}.mlp.down_proj`, inputs: 1024, outputs: 1024 } as never,
  ]),
);
const model = { linears, blocks, hiddenSize: 1024, vocabularySize: 10, parameters: new Map() };
const policy = { model, adapter: null, variables: new Map(), heads: new Map() } as never;
const rowsOf = (mostTokens: number) => ({ mostTokens }) as Rows;

function openRun(gradientCheckpointing: boolean | null) {
  const container = createContainer();
  container.register(OptimizerToken, adamw);
  container.register(PrecisionToken, 'f32');
  const said: string[] = [];
  const run = {
    config: {
      train: { gradientCheckpointing },
      choices: { 'train.optimizer': [{ name: 'adamw', options: {}, weight: 1 }] },
    },
    container,
    logger: { info: (line: string) => said.push(line) },
  } as unknown as Run;
  return { run, said };
}

describe('gradient checkpointing that nobody chose', () => {
  afterEach(() => vi.restoreAllMocks());
  const withFree = (bytes: number) => vi.spyOn(process, 'availableMemory').mockReturnValue(bytes);
  const gigabyte = 2 ** 30;

  it('stays off where the estimate fits', async () => {
    await tf.setBackend('cpu');
    withFree(64 * gigabyte);
    const { run, said } = openRun(null);
    expect(recomputesBlocks(run, policy, rowsOf(4096))).toBe(false);
    expect(said).toEqual([]);
  });

  it('goes on where it does not, and says so once with both numbers', () => {
    withFree(gigabyte);
    const { run, said } = openRun(null);
    const rows = rowsOf(4096); // 1 GiB, times the copies of composites
    expect([recomputesBlocks(run, policy, rows), recomputesBlocks(run, policy, rows)]).toEqual([true, true]);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^gradient checkpointing: on, .* take about [\d.]+ GiB .* have [\d.]+ GiB; train\./);
  });

  it('follows from the longest pass', () => {
    withFree(gigabyte);
    const { run } = openRun(null);
    expect(recomputesBlocks(run, policy, rowsOf(64))).toBe(false);
  });

  it('is the config’s where that says it', () => {
    withFree(0);
    expect(recomputesBlocks(openRun(false).run, policy, rowsOf(4096))).toBe(false);
    withFree(64 * gigabyte);
    expect(recomputesBlocks(openRun(true).run, policy, rowsOf(8))).toBe(true);
  });
});
