// SPDX-License-Identifier: Apache-2.0
import { bf16, f32 } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import { gpt2 } from './gpt2.js';
import { llama } from './llama.js';
import { parameterCount, weightMemory } from './memory.js';
import { mistral } from './mistral.js';
import { qwen2 } from './qwen2.js';
import { qwen3 } from './qwen3.js';

const qwen25Half = {
  hidden_size: 896,
  intermediate_size: 4864,
  num_hidden_layers: 24,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  vocab_size: 151936,
  tie_word_embeddings: true,
};

describe('parameter counts are the published ones', () => {
  it('Qwen2.5-0.5B: 494,032,768', () => expect(parameterCount(qwen2, qwen25Half)).toBe(494_032_768));

  it('GPT-2: 124,439,808', () => {
    expect(parameterCount(gpt2, { vocab_size: 50257, n_embd: 768, n_layer: 12, n_head: 12 })).toBe(124_439_808);
  });

  it('Llama-3.2-1B: 1,235,814,400', () => {
    const config = {
      hidden_size: 2048,
      intermediate_size: 8192,
      num_hidden_layers: 16,
      num_attention_heads: 32,
      head_dim: 64,
      num_key_value_heads: 8,
      vocab_size: 128256,
      tie_word_embeddings: true,
    };
    expect(parameterCount(llama, config)).toBe(1_235_814_400);
  });

  it('Mistral-7B: 7,241,732,096', () => {
    const config = {
      hidden_size: 4096,
      intermediate_size: 14336,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      vocab_size: 32e3,
    };
    expect(parameterCount(mistral, config)).toBe(7_241_732_096);
  });

  it('Qwen3-0.6B: 596,049,920', () => {
    const config = {
      hidden_size: 1024,
      intermediate_size: 3072,
      num_hidden_layers: 28,
      num_attention_heads: 16,
      head_dim: 128,
      num_key_value_heads: 8,
      vocab_size: 151936,
      tie_word_embeddings: true,
    };
    expect(parameterCount(qwen3, config)).toBe(596_049_920);
  });
});

describe('weightMemory', () => {
  const frozen = { isTrainable: () => false };

  it('halves the matrices in bf16 and leaves norms and biases in f32', () => {
    // 24 blocks with two norms (896) and q, k, v biases (896 + 128 + 128), and the last norm.
    const vectors = 24 * (2 * 896 + 896 + 128 + 128) + 896;
    const all = weightMemory(qwen2, qwen25Half, { stored: bf16, ...frozen });
    expect(all.weightBytes).toBe(2 * (494_032_768 - vectors) + 4 * vectors);
    expect(weightMemory(qwen2, qwen25Half, { stored: f32, ...frozen }).weightBytes).toBe(4 * 494_032_768);
  });

  it('counts f32 weights, gradients and two moments of what is trained', () => {
    const tiny = { vocab_size: 10, n_embd: 4, n_layer: 1, n_head: 1, n_positions: 3 };
    const isTrainable = (name: string, blocks: readonly string[]) => name.startsWith(`${blocks[0]}.mlp.c_fc`);
    const trained = 16 * 4 + 16;
    expect(weightMemory(gpt2, tiny, { stored: bf16, isTrainable })).toMatchObject({
      trainable: trained,
      gradientBytes: 4 * trained,
      optimizerBytes: 8 * trained,
    });
  });
});
