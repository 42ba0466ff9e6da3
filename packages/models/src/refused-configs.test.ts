// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { gpt2, llama, mistral, qwen3 } from './index.js';

const sizes = { vocab_size: 8, hidden_size: 32, intermediate_size: 8, num_hidden_layers: 1, num_attention_heads: 4 };
const gpt2Sizes = { vocab_size: 8, n_embd: 32, n_layer: 1, n_head: 4 };

describe('a config that would change the maths is refused', () => {
  it.each([
    [{ attn_logit_softcapping: 50 }, 'UNSUPPORTED', 'soft capping'],
    [{ num_local_experts: 8 }, 'UNSUPPORTED', 'dense'],
    [{ quantization_config: { bits: 4 } }, 'UNSUPPORTED', 'not quantized'],
    [{ hidden_act: 'mish' }, 'UNSUPPORTED', 'silu, relu, gelu'],
    [{ num_key_value_heads: 3 }, 'CONFIG_VALUE', 'divides num_attention_heads (4)'],
    [{ hidden_size: 30 }, 'CONFIG_VALUE', 'multiple of num_attention_heads (4)'],
    [{ hidden_size: 20 }, 'CONFIG_VALUE', 'an even number'],
    [{ hidden_size: '32' }, 'CONFIG_VALUE', 'got: "32"'],
    [{ vocab_size: undefined }, 'CONFIG_VALUE', 'vocab_size'],
    [{ rms_norm_eps: 0 }, 'CONFIG_VALUE', 'rms_norm_eps'],
  ])('llama %j', (config, code, text) => {
    const build = () => llama.weights({ ...sizes, ...config });
    expect(build).toThrow(`LLMF_NN_${code}`);
    expect(build).toThrow(text);
  });

  it.each([
    [{ scale_attn_by_inverse_layer_idx: true }, 'the same scale in every layer'],
    [{ scale_attn_weights: false }, 'scaled by'],
    [{ activation_function: 'mish' }, 'gelu_new'],
    [{ add_cross_attention: true }, 'cross-attention'],
  ])('gpt2 %j', (config, text) => {
    expect(() => gpt2.weights({ ...gpt2Sizes, ...config })).toThrow(text);
  });
});

describe('defaults are those of the reference', () => {
  it('mistral has 8 key heads, qwen3 a head size of 128', () => {
    const shapeOf = (architecture: typeof mistral, path: string) =>
      architecture.weights({ ...sizes, num_attention_heads: 8, hidden_size: 64 }).get(path)!.shape;
    expect(shapeOf(mistral, 'model.layers.0.self_attn.k_proj.weight')).toEqual([64, 64]);
    expect(() => mistral.weights(sizes)).toThrow('num_key_value_heads');
    const qwen = qwen3.weights({ ...sizes, num_key_value_heads: 2 });
    expect(qwen.get('model.layers.0.self_attn.k_proj.weight')!.shape).toEqual([256, 32]);
    expect(qwen.get('model.layers.0.self_attn.q_norm.weight')!.shape).toEqual([128]);
  });
});

describe('remarks', () => {
  it('name dropout and unknown keys once, and nothing else', () => {
    const config = {
      ...gpt2Sizes,
      resid_pdrop: 0.1,
      attn_pdrop: 0,
      brand_new: 3,
      transformers_version: '4',
      use_cache: true,
    };
    expect(gpt2.remarks!(config)).toEqual([
      'dropout inside the base model is not applied (resid_pdrop)',
      'config.json has keys that llmf does not know: brand_new',
    ]);
    expect(llama.remarks!({ ...sizes, attention_dropout: 0 })).toEqual([]);
  });
});
