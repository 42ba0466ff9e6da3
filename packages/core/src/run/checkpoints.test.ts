// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StateValue } from '../contracts/state.js';
import { CheckpointStore } from './checkpoints.js';

let output: string;
beforeEach(async () => {
  output = await mkdtemp(join(tmpdir(), 'llmf-checkpoints-'));
});
afterEach(async () => {
  await rm(output, { recursive: true, force: true });
});

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const states = (value: number): Map<string, StateValue> =>
  new Map([
    ['engine', { json: { step: value } }],
    ['weights', { tensors: { w: { dtype: 'F32' as const, shape: [2], data: floats(value, -value) } } }],
  ]);

describe('checkpoints', () => {
  it('give back every state bit for bit', async () => {
    const store = new CheckpointStore(output);
    await store.write(7, { train: { seed: 1 } }, states(7));
    const read = (await store.readLatest())!;
    expect(read.step).toBe(7);
    expect(read.config).toEqual({ train: { seed: 1 } });
    expect(read.states.get('engine')!.json).toEqual({ step: 7 });
    expect([...read.states.get('weights')!.tensors!['w']!.data]).toEqual([...floats(7, -7)]);
  });

  it('are read newest first by step number, not by name', async () => {
    const store = new CheckpointStore(output);
    for (const step of [2, 10, 9]) await store.write(step, {}, states(step));
    expect((await store.readLatest())!.step).toBe(10);
  });

  it('are pruned oldest first, leaving nothing else behind', async () => {
    const store = new CheckpointStore(output);
    for (const step of [1, 2, 3, 4]) await store.write(step, {}, states(step));
    await store.prune(2);
    expect((await readdir(join(output, 'checkpoints'))).sort()).toEqual(['step-3', 'step-4']);
  });

  it('replace one of the same step whole', async () => {
    const store = new CheckpointStore(output);
    await store.write(3, {}, states(3));
    await store.write(3, {}, states(30));
    expect((await store.readLatest())!.states.get('engine')!.json).toEqual({ step: 30 });
    expect(await readdir(join(output, 'checkpoints'))).toEqual(['step-3']);
  });

  it('ignore and clean away what a killed process left', async () => {
    const store = new CheckpointStore(output);
    await store.write(3, {}, states(3));
    await mkdir(join(output, 'checkpoints', '.step-9.half'));
    await writeFile(join(output, 'checkpoints', '.step-9.half', 'state.json'), '{');
    expect((await store.readLatest())!.step).toBe(3);
    await store.clean();
    expect(await readdir(join(output, 'checkpoints'))).toEqual(['step-3']);
  });

  it('say which folder is damaged and what to do', async () => {
    const store = new CheckpointStore(output);
    await store.write(3, {}, states(3));
    await truncate(join(output, 'checkpoints', 'step-3', 'weights.safetensors'), 20);
    await expect(store.readLatest()).rejects.toThrow(/LLMF_CORE_CHECKPOINT_BROKEN[^]*step-3[^]*move this folder away/);
  });

  it('are none in a new folder', async () => {
    expect(await new CheckpointStore(output).readLatest()).toBeNull();
  });
});
