// SPDX-License-Identifier: Apache-2.0
// A run that trains a head, a norm and tokens beside a LoRA: checked, resumed to the same bits, scored and merged.
import { join } from 'node:path';
import { readSafetensors } from '@llmf/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { llmf, succeeded } from './support/command.js';
import { firstRunCopy, metricsOf } from './support/first-run.js';
import { sha256 } from './support/kill-and-resume.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

const adapter =
  'adapter={ name: lora, rank: 2, targets: [q_proj], modulesToSave: [model.norm], trainableTokens: [5, 9] }';
const options = ['--plugin', 'loss-dpo', adapter, 'backend=wasm', 'train.saveEvery=1', 'train.batchSize=2'];
const run = (command: string, output: string, steps: number, more: readonly string[] = []) =>
  llmf([command, ...options, `output=runs/${output}`, `train.maxSteps=${steps}`, ...more], { folder: copy.folder });

it('is checked, begins at ln 2, resumes to the same bits, and is merged', async () => {
  expect(succeeded(await run('check', 'checked', 4))).toMatch(/weights/);
  succeeded(await run('train', 'whole', 4));
  succeeded(await run('train', 'cut', 2));
  succeeded(await run('train', 'cut', 4, ['--resume']));
  const folders = ['whole', 'cut'].map((name) => join(copy.folder, 'runs', name));
  const [one, two] = folders.map((folder) => sha256(join(folder, 'adapter_model.safetensors')));
  expect(await one).toBe(await two);
  const [first] = await metricsOf(folders[0]!);
  expect(first!['loss'] ?? first!['eval_loss']).toBeCloseTo(Math.LN2, 5);
  const keys = Object.keys(await readSafetensors(join(folders[0]!, 'adapter_model.safetensors')));
  expect(keys).toContain('base_model.model.model.norm.weight');
  expect(keys).toContain('base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta');

  const merge = ['merge', '--model', 'model', '--adapter', 'runs/whole', '--output', 'merged', '--backend', 'wasm'];
  const merged = succeeded(await llmf(merge, { folder: copy.folder }));
  expect(merged).toMatch(/merged \d+ layers and 2 weights of other modules into merged/);
}, 240_000);
