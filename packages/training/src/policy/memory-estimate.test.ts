// SPDX-License-Identifier: Apache-2.0
import { blockLayers } from '@llmf/testkit';
import { describe, expect, it } from 'vitest';
import { estimateMemory } from './memory-estimate.js';

describe('estimateMemory', () => {
  const linears = new Map([...blockLayers(0), ...blockLayers(1)].map((layer) => [layer.path, layer as never]));
  const model = { linears, blocks: ['a', 'b'], hiddenSize: 8, vocabularySize: 100 };
  const facts = {
    programBytes: 1000,
    weightBytes: 2000,
    trained: 50,
    optimizerBytes: 8,
    tokens: 10,
    model,
    gradientCheckpointing: false,
    hasLogits: true,
    joinedHead: 0,
    hasNativeKernels: true,
    gatedBytes: 4 as const,
  };

  it('adds what training holds to program and weights', () => {
    // gradient and moments 3 · 4 · 50; activations 10 · 160 · 4; logits 1.25 · 10 · 100 · 4
    expect(estimateMemory(facts)).toEqual({
      program: 1000 + 32 * 2 ** 20,
      weights: 2000,
      training: 600,
      activations: 6400,
      head: 5000,
      total: 15_000 + 32 * 2 ** 20,
    });
  });

  it('adds the copies that composites make', () => {
    expect(estimateMemory({ ...facts, hasNativeKernels: false })).toMatchObject({ activations: 14_080, head: 32_000 });
  });

  it('adds a head that is joined with its low-rank update', () => {
    expect(estimateMemory({ ...facts, joinedHead: 100 * 10 }).head).toBe(5000 + 3 * 4 * 1000);
  });

  it('keeps block inputs and one block only with gradient checkpointing', () => {
    // 10 · (2 · 8 + 80) · 4
    expect(estimateMemory({ ...facts, hasLogits: false }).head).toBe(0); // a reward model's head reads one token an answer
    expect(estimateMemory({ ...facts, gradientCheckpointing: true }).activations).toBe(3840);
  });
});
