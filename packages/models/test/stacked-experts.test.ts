// SPDX-License-Identifier: Apache-2.0
/** LoRA on experts as PEFT 0.21 stacks it: oracles/models/stacked_experts.py. */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSafetensors, toFloat32, writeSafetensors } from '@llmf/core';
import { savedLora } from '@llmf/nn';
import { afterAll, describe, expect, it } from 'vitest';
import { Expected, fixture, largestDifference, loader, loadFixture, logits, packed, scratchFolder } from './fixture.js';

const scratch = scratchFolder();
afterAll(() => scratch.remove());
const folderOf = (name: string) => fileURLToPath(new URL(`../expert-fixtures/${name}`, import.meta.url));
const weightFile = (folder: string) => join(folder, 'adapter_model.safetensors');

describe.each([
  ['mixtral', 'mixtral'],
  ['qwen3-moe', 'qwen3-moe'],
  ['qwen2-moe-down', 'qwen2-moe'],
])('stacked LoRA %s', (name, of) => {
  it('gives the logits of PEFT within 1e-4, and again where it was saved expert by expert', async () => {
    const model = await loadFixture(fixture(of));
    const ids = (await Expected.read(of)).sequences[0]!;
    const expected = toFloat32((await readSafetensors(join(folderOf(name), 'logits.safetensors')))['logits']!);
    const adapter = await savedLora(model, folderOf(name), '--adapter');
    const got = await logits(model, packed([ids]), { adapter });
    expect(largestDifference(got, expected)).toBeLessThan(1e-4);
    expect(largestDifference(got, await logits(model, packed([ids])))).toBeGreaterThan(0.1);
    const folder = join(scratch.path, name);
    await loader.saveAdapter(adapter, folder, { source: fixture(of) });
    const again = await savedLora(model, folder, '--adapter');
    expect(await logits(model, packed([ids]), { adapter: again })).toEqual(got);
    adapter.dispose();
    again.dispose();
    model.dispose();
  });
});

it('refuses factors of another number of experts, and one factor alone', async () => {
  const model = await loadFixture(fixture('mixtral'));
  const tensors = await readSafetensors(weightFile(folderOf('mixtral')));
  const folder = join(scratch.path, 'broken');
  cpSync(folderOf('mixtral'), folder, { recursive: true });
  const [key] = Object.keys(tensors).filter((each) => each.endsWith('experts.lora_A.weight'));
  const { [key!]: whole, ...others } = tensors;
  await writeSafetensors(weightFile(folder), others);
  await expect(savedLora(model, folder, '--adapter')).rejects.toThrow(/LLMF_NN_ADAPTER_FILE[^]*one factor alone/);
  const half = {
    ...whole!,
    shape: [whole!.shape[0]! / 2, whole!.shape[1]!],
    data: whole!.data.slice(0, whole!.data.length / 2),
  };
  await writeSafetensors(weightFile(folder), { ...others, [key!]: half });
  await expect(savedLora(model, folder, '--adapter')).rejects.toThrow(/LLMF_NN_ADAPTER_FILE[^]*\[12,20\]/);
  writeFileSync(join(folder, 'adapter_config.json'), '{}');
  await expect(savedLora(model, folder, '--adapter')).rejects.toThrow(/LLMF_NN_ADAPTER/);
  model.dispose();
});
