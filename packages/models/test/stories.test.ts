// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from '@llmf/nn';
import { testData } from '@llmf/testkit';
import { describe, expect, it } from 'vitest';
import { loadFixture, logits, packed } from './fixture.js';

const folder = testData('weights', 'stories260K-hf');

interface Golden {
  readonly greedy: { readonly prompt_ids: number[]; readonly ids: number[] };
  readonly logits_after_prompt_first16: number[];
  readonly argmax_after_prompt: number;
}

describe.skipIf(folder === null)('stories260K, a trained llama (skipped where the shared test data is absent)', () => {
  it('gives the golden logits within 1e-4 and the golden text', async () => {
    const golden = JSON.parse(readFileSync(join(folder!, 'golden.json'), 'utf8')) as Golden;
    const { prompt_ids: prompt, ids } = golden.greedy;
    const model = await loadFixture(folder!);
    const last = (await logits(model, packed([Int32Array.from(prompt)]))).slice(-model.vocabularySize);
    for (const [id, expected] of golden.logits_after_prompt_first16.entries()) {
      expect(Math.abs(last[id]! - expected)).toBeLessThan(1e-4);
    }
    expect(last.indexOf(Math.max(...last))).toBe(golden.argmax_after_prompt);
    const answer = await generate(model, prompt, { temperature: 0, maxNewTokens: ids.length - prompt.length });
    expect([...prompt, ...answer.ids]).toEqual(ids);
    model.dispose();
  });
});
