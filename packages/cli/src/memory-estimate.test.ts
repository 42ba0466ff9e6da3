// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { estimateMemory, keptPerToken } from './memory-estimate.js';

/** One block with C = 8, 2 query heads of 4, 1 key head, F = 20. */
const block = (index: number) =>
  [
    ['self_attn.q_proj', 8, 8],
    ['self_attn.k_proj', 8, 4],
    ['self_attn.v_proj', 8, 4],
    ['self_attn.o_proj', 8, 8],
    ['mlp.gate_proj', 8, 20],
    ['mlp.up_proj', 8, 20],
    ['mlp.down_proj', 20, 8],
  ].map(([name, inputs, outputs]) => ({
    path: `model.layers.${index}.${name}`,
    inputs: inputs as number,
    outputs: outputs as number,
  }));

describe('keptPerToken', () => {
  it('counts what layers read once per shared input, and what they write', () => {
    // reads: normed x 8 (q, k, v), attention 8 (o), normed x 8 (gate, up), product 20 (down) = 44
    // writes: 8 + 4 + 4 + 8 + 20 + 20 + 8 = 72
    expect(keptPerToken(block(0))).toBe(44 + 72);
    expect(keptPerToken([...block(0), ...block(1)])).toBe(2 * 116);
  });
});

describe('estimateMemory', () => {
  const linears = new Map([...block(0), ...block(1)].map((layer) => [layer.path, layer as never]));
  const model = { linears, blocks: ['a', 'b'], hiddenSize: 8, vocabularySize: 100 };
  const facts = {
    loadedBytes: 1000,
    trained: 50,
    tokens: 10,
    model,
    gradientCheckpointing: false,
    hasNativeKernels: true,
  };

  it('adds what training holds to what is loaded', () => {
    // gradient and moments 3 · 4 · 50; activations 10 · 232 · 4; logits 1.25 · 10 · 100 · 4
    expect(estimateMemory(facts)).toEqual({
      loaded: 1000,
      training: 600,
      activations: 9280,
      head: 5000,
      total: 15_880,
    });
  });

  it('adds the copies that composites make', () => {
    expect(estimateMemory({ ...facts, hasNativeKernels: false })).toMatchObject({ activations: 20_416, head: 32_000 });
  });

  it('keeps block inputs and one block only with gradient checkpointing', () => {
    // 10 · (2 · 8 + 116) · 4
    expect(estimateMemory({ ...facts, gradientCheckpointing: true }).activations).toBe(5280);
  });
});
