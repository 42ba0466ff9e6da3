// SPDX-License-Identifier: Apache-2.0
import { BatchedGenerator } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import { contextOf, Expected, fixture, largestDifference, loadFixture, packed } from './fixture.js';

describe.each(['bert-bare', 'modernbert-bare', 'roberta-bare'])('%s, an encoder without a head', (name) => {
  it('gives the hidden states of Transformers within 1e-5, its pooler kept, where it has one', async () => {
    const expected = await Expected.read(name, 'hidden.safetensors');
    const model = await loadFixture(fixture(name));
    const row = packed([expected.ints('ids.0'), Int32Array.of(5, 6, 7)]); // another sequence changes nothing
    const hidden = model.forward(model.embed(row.ids), contextOf(row));
    const values = ((await hidden.data()) as Float32Array).subarray(0, 13 * model.hiddenSize);
    expect(largestDifference(values, expected.values('hidden.0'))).toBeLessThan(1e-5);
    const ofPooler = [...model.parameters.keys()].filter((key) => key.includes('pooler'));
    expect(ofPooler).toHaveLength(name === 'modernbert-bare' ? 0 : 2);
    hidden.dispose();
    model.dispose();
  });
});

describe('an encoder', () => {
  it('goes on with no text', async () => {
    const model = await loadFixture(fixture('bert'));
    expect(model.isEncoder).toBe(true);
    const answers = new BatchedGenerator(model).complete([{ ids: Int32Array.of(1, 2) }], { maxNewTokens: 3 });
    await expect(answers.next()).rejects.toThrow(/LLMF_NN_ENCODER[^]*got: bert/);
    model.dispose();
  });
});
