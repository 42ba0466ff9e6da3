// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSafetensors, type HostTensor } from '@llmf/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AttachedHead } from '../heads/head.js';
import { tf } from '../tf.js';
import { readValueHead, valueHeadFile } from './value-head-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llmf-value-head-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const tensor = (values: readonly number[], shape: readonly number[]): HostTensor => ({
  dtype: 'F32',
  shape,
  data: new Uint8Array(Float32Array.from(values).buffer),
});
const written = (tensors: Record<string, HostTensor>) => writeSafetensors(join(folder, valueHeadFile), tensors);

it('reads the value head of TRL and LLaMA-Factory: h·w + b at the last token', async () => {
  await written({
    'v_head.summary.weight': tensor([1, 2, -1], [1, 3]),
    'v_head.summary.bias': tensor([0.5], [1]),
  });
  const saved = (await readValueHead(folder))!;
  const facts = { at: 'last', bias: true, replacesLanguageModel: true, readsPadding: true };
  expect(saved.heads).toEqual([{ name: 'score', outputs: 1, ...facts }]);
  const head = AttachedHead.load(saved.heads[0]!, 3, saved);
  expect(tf.tidy(() => head.forward(tf.tensor2d([[3, 1, 2]])).dataSync()[0])).toBe(3 + 2 - 2 + 0.5);
  head.dispose();
});

it('is nothing where there is none, and refused where it is something else', async () => {
  expect(await readValueHead(folder)).toBeNull();
  await written({ 'v_head.summary.weight': tensor([1, 2], [2, 1]) });
  await expect(readValueHead(folder)).rejects.toThrow(/LLMF_NN_HEAD_FILE[^]*v_head\.summary\.weight is \[2,1\]/);
});

it.skipIf(process.platform === 'win32')('is not nothing where it cannot be read', async () => {
  symlinkSync(valueHeadFile, join(folder, valueHeadFile));
  await expect(readValueHead(folder)).rejects.toThrow(/ELOOP/);
});
