// SPDX-License-Identifier: Apache-2.0
/** A real adapter: a classifier of six emotions on GPT-2, trained with PEFT by somebody else. */
import { join } from 'node:path';
import { readSafetensors } from '@llmf/core';
import { classifierHead, savedLora, shapeOnly } from '@llmf/nn';
import { testData } from '@llmf/testkit';
import { describe, expect, it } from 'vitest';
import { gpt2 } from '../src/gpt2.js';

const folder = testData('licence-doubt', 'lora-adapters', 'gpt2-emotion-lora-r8');

describe.skipIf(folder === null)('a real classifier’s adapter on GPT-2 (skipped without the shared test data)', () => {
  it('loads onto GPT-2’s shape, with every tensor of its file, as PEFT 0.21 loads them', async () => {
    // Shapes alone: 124 million weights are not needed to find each tensor's place.
    const take = (name: string, { shape }: { shape: readonly number[] }) => {
      return { name, shape, trainable: false, value: shapeOnly(shape) };
    };
    const model = gpt2.build({ model_type: 'gpt2', n_embd: 768, n_layer: 12, n_head: 12, vocab_size: 50257 }, {
      take,
    } as never);
    const adapter = await savedLora(model, folder!, '--adapter');
    const file = await readSafetensors(join(folder!, 'adapter_model.safetensors'));
    const keys = Object.keys(file).filter((key) => key.includes('lora_'));
    expect(keys).toHaveLength(24);
    expect([...adapter.variables.keys()].toSorted()).toEqual(keys.toSorted());
    for (const key of keys) {
      const variable = adapter.variables.get(key)!;
      expect(variable.shape, key).toEqual(file[key]!.shape);
      const bytes = new Uint8Array((variable.dataSync() as Float32Array).slice().buffer);
      expect(Buffer.compare(bytes, file[key]!.data), key).toBe(0);
    }
    const { heads, tensors } = adapter.heads!;
    expect(heads).toEqual([{ ...classifierHead({ outputs: 6 }, 768, undefined) }]);
    expect(tensors['score.weight']).toEqual(file['base_model.model.score.weight']);
    adapter.dispose();
  });
});
