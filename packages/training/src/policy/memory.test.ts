// SPDX-License-Identifier: Apache-2.0
import { blockLayers } from '@llmf/testkit';
import { describe, expect, it } from 'vitest';
import { bf16, f32, frozenTensor, tf } from '@llmf/nn';
import { keptPerToken, weightBytesOf } from './memory.js';

describe('keptPerToken', () => {
  it('counts what layers write and what attention gives, not what is computed again', () => {
    // 8 + 4 + 4 + 8 + 20 + 20 + 8 written, attention 8 (o); normed x (q, k, v, gate, up) and gated product (down) again
    expect(keptPerToken(blockLayers(0), 4)).toBe(4 * (72 + 8));
    expect(keptPerToken([...blockLayers(0), ...blockLayers(1)], 4)).toBe(4 * 2 * 80);
  });

  it('counts gate and up as they are kept', () => {
    expect(keptPerToken(blockLayers(0), 2)).toBe(4 * 40 + 2 * (20 + 20));
  });
});

it('weights count as they are kept: packed ones 2 bytes each, all others and the adapter 4', async () => {
  await tf.setBackend('cpu');
  const values = [
    frozenTensor([4, 2], bf16, new Uint8Array(16)),
    frozenTensor([3], f32, new Uint8Array(12)),
    tf.variable(tf.zeros([5])),
  ];
  const parameters = new Map(values.map((value, index) => [`${index}`, { value } as never]));
  const adapter = { variables: new Map([['a', tf.variable(tf.zeros([2, 3]))]]) };
  expect(weightBytesOf({ model: { parameters } as never, adapter: adapter as never })).toBe(16 + 12 + 20 + 24);
});
