// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
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

  it('ask for a tensor when the one before it is written, and hold the same bytes as of a copy', async () => {
    const store = new CheckpointStore(output);
    const asked: string[] = [];
    const tensor = (name: string, value: number) => ({
      name,
      dtype: 'F32' as const,
      shape: [1],
      data: async () => {
        asked.push(name);
        return floats(value);
      },
    });
    await store.write(1, {}, new Map([['weights', { tensors: [tensor('a', 1), tensor('b', 2)] }]]));
    expect(asked).toEqual(['a', 'b']);
    const copied = Object.fromEntries(
      [1, 2].map((value, at) => ['ab'[at]!, { dtype: 'F32' as const, shape: [1], data: floats(value) }]),
    );
    await store.write(2, {}, new Map([['weights', { tensors: copied }]]));
    const [one, two] = await Promise.all(
      [1, 2].map((step) => readFile(join(output, 'checkpoints', `step-${step}`, 'weights.safetensors'))),
    );
    expect(one!.equals(two!)).toBe(true);
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

  const fileOf = (step: number, name: string) => join(output, 'checkpoints', `step-${step}`, name);
  const flip = async (file: string, at: number) => {
    const bytes = await readFile(file);
    bytes[(at + bytes.length) % bytes.length]! ^= 1;
    await writeFile(file, bytes);
  };
  const edit = async (file: string, from: string, to: string) =>
    writeFile(file, (await readFile(file, 'utf8')).replace(from, to));

  it.each([
    ['a tensor', 'weights.safetensors', (file: string) => flip(file, -3)],
    ['the header of a tensor file', 'weights.safetensors', (file: string) => flip(file, 20)],
    ['the length of a tensor file', 'weights.safetensors', (file: string) => truncate(file, 20)],
    ['a whole tensor file', 'weights.safetensors', (file: string) => rm(file)],
    ['a fact', 'state.json', (file: string) => edit(file, '"step": 3\n      }', '"step": 2\n      }')],
    ['the config', 'state.json', (file: string) => edit(file, '"seed": 1', '"seed": 2')],
    ['its own sum', 'state.json', (file: string) => edit(file, '"crc32"', '"crc31"')],
    ['its end', 'state.json', (file: string) => truncate(file, 100)],
  ])('damaged in %s name the file and the newest one that is whole', async (_, name, damage) => {
    const store = new CheckpointStore(output);
    for (const step of [1, 2, 3]) await store.write(step, { train: { seed: 1 } }, states(step));
    await flip(fileOf(2, 'state.json'), 30);
    await damage(fileOf(3, name));
    await expect(store.readLatest()).rejects.toMatchObject({
      code: 'LLMF_CORE_CHECKPOINT_BROKEN',
      status: 1,
      detail: { where: fileOf(3, name), fix: expect.stringMatching(/move this folder away.*goes on from step 1\./) },
    });
    await rm(join(output, 'checkpoints', 'step-3'), { recursive: true });
    await rm(join(output, 'checkpoints', 'step-2'), { recursive: true });
    expect((await store.readLatest())!.step).toBe(1);
  });

  it('say where none before is whole', async () => {
    const store = new CheckpointStore(output);
    await store.write(3, {}, states(3));
    await truncate(fileOf(3, 'weights.safetensors'), 20);
    await expect(store.readLatest()).rejects.toThrow(/CHECKPOINT_BROKEN[^]*step-3[^]*no older checkpoint is whole/);
  });

  it('of another layout are refused by its version', async () => {
    const store = new CheckpointStore(output);
    await store.write(3, {}, states(3));
    await edit(fileOf(3, 'state.json'), '"layoutVersion": 2', '"layoutVersion": 1');
    await expect(store.readLatest()).rejects.toThrow(/layout version 1, this llmf reads 2/);
  });

  it('keep states apart whose names differ in a slash only', async () => {
    const store = new CheckpointStore(output);
    const both = new Map<string, StateValue>([...states(1)].map(([name, value]) => [`${name}/a`, value] as const));
    for (const [name, value] of states(2)) both.set(`${name}-a`, value);
    await store.write(3, {}, both);
    const read = (await store.readLatest())!.states;
    expect([...read.get('weights/a')!.tensors!['w']!.data]).toEqual([...floats(1, -1)]);
    expect([...read.get('weights-a')!.tensors!['w']!.data]).toEqual([...floats(2, -2)]);
  });

  it('are none in a new folder', async () => {
    expect(await new CheckpointStore(output).readLatest()).toBeNull();
  });
});
