// SPDX-License-Identifier: Apache-2.0
// Runs that train a head, a norm and tokens beside a LoRA: checked, resumed to the same bits, scored and merged.
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

it('updates the head with the embeddings that it is tied to, on native kernels, in either precision', async () => {
  const update = 'adapter={ name: lora, rank: 2, targets: [q_proj, lm_head], dropout: 0.1, ensureWeightTying: true }';
  const train = (name: string, words: readonly string[]) =>
    llmf(['train', '--plugin', 'loss-dpo', update, `output=runs/${name}`, 'train.maxSteps=3', ...words], {
      folder: copy.folder,
    });
  for (const precision of ['f32', 'bf16']) {
    succeeded(await train(precision, ['backend=cpu', `backend.precision=${precision}`, 'train.learningRate=1e-3']));
    const heldOut = (await metricsOf(join(copy.folder, 'runs', precision))).flatMap((row) => row['eval_loss'] ?? []);
    expect(heldOut[0]).toBeCloseTo(Math.LN2, precision === 'f32' ? 5 : 2);
    expect(heldOut.at(-1)).toBeLessThan(heldOut[0]!);
  }
  const keys = Object.keys(await readSafetensors(join(copy.folder, 'runs', 'f32', 'adapter_model.safetensors')));
  expect(keys).toContain('base_model.model.model.embed_tokens.lora_embedding_A');
  expect(keys).toContain('base_model.model.lm_head.lora_B.weight');
  const merge = ['merge', '--model', 'model', '--adapter', 'runs/f32', '--output', 'merged-head'];
  expect(succeeded(await llmf(merge, { folder: copy.folder }))).toMatch(/and 1 weights of other modules/);
}, 240_000);

it('goes on from trained tokens with the policy at the start as the reference', async () => {
  const tokens = (more: string) => `adapter={ name: trainable-tokens, ${more} }`;
  const fixed = ['--plugin', 'loss-dpo', 'backend=wasm', 'train.learningRate=1e-2'];
  const train = (output: string, adapterOption: string, steps: number) =>
    llmf(['train', ...fixed, adapterOption, `output=runs/${output}`, `train.maxSteps=${steps}`], {
      folder: copy.folder,
    });
  succeeded(await train('tokens', tokens('tokens: [5, 9, 12]'), 3));
  succeeded(await train('further', tokens('path: runs/tokens'), 1));
  const [first] = await metricsOf(join(copy.folder, 'runs', 'further'));
  expect(first!['loss'] ?? first!['eval_loss']).toBeCloseTo(Math.LN2, 5);
}, 240_000);
