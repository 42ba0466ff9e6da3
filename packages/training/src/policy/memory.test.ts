// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { bf16, f32, frozenTensor, tf } from '@llmf/nn';
import { keptPerToken, weightBytesOf } from './memory.js';

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
  it('counts what layers write and what attention gives, not what is computed again', () => {
    // 8 + 4 + 4 + 8 + 20 + 20 + 8 written, attention 8 (o); normed x (q, k, v, gate, up) and gated product (down) again
    expect(keptPerToken(block(0), 4)).toBe(4 * (72 + 8));
    expect(keptPerToken([...block(0), ...block(1)], 4)).toBe(4 * 2 * 80);
  });

  it('counts gate and up as they are kept', () => {
    expect(keptPerToken(block(0), 2)).toBe(4 * 40 + 2 * (20 + 20));
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
