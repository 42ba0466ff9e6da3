// SPDX-License-Identifier: Apache-2.0
/** What a config.json leaves out is what Transformers' class says (oracles/models/config_defaults.py). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ropeOptions } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import { bertConfig } from './bert.js';
import { bloomConfig } from './bloom.js';
import { falconConfig } from './falcon.js';
import { gemma2Config } from './gemma2.js';
import { gemma3TextConfig } from './gemma3-text.js';
import { gpt2Config } from './gpt2.js';
import { gptNeoxConfig } from './gpt-neox.js';
import { gptjConfig } from './gptj.js';
import { llamaConfig } from './llama.js';
import { mistralConfig } from './mistral.js';
import { mixtralConfig } from './mixtral.js';
import { optConfig } from './opt.js';
import { phi3Config } from './phi3.js';
import { qwen2Config } from './qwen2.js';
import { qwen2MoeConfig } from './qwen2-moe.js';
import { qwen3Config } from './qwen3.js';
import { qwen3MoeConfig } from './qwen3-moe.js';
import { robertaConfig } from './roberta.js';

interface ConfigClass {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly defaultTheta: number | object | null;
}
const file = fileURLToPath(new URL('../fixtures/config-defaults.json', import.meta.url));
const { classes } = JSON.parse(readFileSync(file, 'utf8')) as { classes: Readonly<Record<string, ConfigClass>> };

/** Without a default here: a config.json that does not say them is refused. */
const sizes = ['vocab_size', 'hidden_size', 'intermediate_size', 'num_hidden_layers', 'num_attention_heads'];
const gpt2Sizes = ['vocab_size', 'n_embd', 'n_layer', 'n_head'];
const bloomSizes = ['vocab_size', 'hidden_size', 'n_layer', 'n_head'];
const optSizes = ['vocab_size', 'hidden_size', 'ffn_dim', 'num_hidden_layers', 'num_attention_heads'];
const falconSizes = ['vocab_size', 'hidden_size', 'num_hidden_layers', 'num_attention_heads'];
/** Say nothing about the forward pass; `rope_parameters` is compared by its base. */
const unread =
  /^(use_cache|pad_token_id|bos_token_id|eos_token_id|pretraining_tp|rope_parameters|.*_pdrop|(attention|hidden|classifier)_dropout(_prob)?|attention_probs_dropout_prob|summary_.*|is_decoder|(layer)?drop(out)?|add_cross_attention)$/;

describe.each([
  ['llama', llamaConfig, sizes],
  ['mistral', mistralConfig, sizes],
  ['mistral with layer_types', mistralConfig, sizes],
  ['qwen2', qwen2Config, sizes],
  ['qwen3', qwen3Config, sizes],
  ['gpt2', gpt2Config, gpt2Sizes],
  ['gpt_neox', gptNeoxConfig, sizes],
  ['gptj', gptjConfig, gpt2Sizes],
  ['bloom', bloomConfig, bloomSizes],
  ['falcon', falconConfig, falconSizes],
  ['bert', bertConfig, sizes],
  ['roberta', robertaConfig, sizes],
  ['phi3', phi3Config, sizes],
  ['opt', optConfig, optSizes],
  ['mixtral', mixtralConfig, sizes],
  ['qwen2_moe', qwen2MoeConfig, sizes],
  ['qwen3_moe', qwen3MoeConfig, sizes],
  ['gemma2', gemma2Config, sizes],
  ['gemma3_text', gemma3TextConfig, sizes],
] as const)('defaults of %s', (name, schema, required) => {
  const { fields, defaultTheta } = classes[name]!;

  it('are those of the class, and every field of the class is read', () => {
    const minimal = schema.parse(Object.fromEntries(required.map((key) => [key, 8]))) as Record<string, unknown>;
    const keys = Object.keys(fields).filter((key) => !unread.test(key) && !required.includes(key as never));
    expect(keys.filter((key) => !(key in schema.shape))).toEqual([]);
    expect(Object.fromEntries(keys.map((key) => [key, minimal[key] ?? null]))).toEqual(
      Object.fromEntries(keys.map((key) => [key, fields[key] ?? null])),
    );
    for (const key of required) expect(schema.safeParse({ ...minimal, [key]: undefined }).success, key).toBe(false);
  });

  it('have the same base of rotary positions', () => {
    if (defaultTheta === null) return expect(['gpt2', 'gptj', 'bloom', 'bert', 'roberta', 'opt']).toContain(name); // learned, fixed or none
    if (name === 'mixtral') return expect(defaultTheta).toBe(1e6); // mixtral.ts
    if (typeof defaultTheta === 'object') return expect(defaultTheta).toEqual({ global: 1e6, local: 1e4 }); // gemma3-text.ts
    expect(ropeOptions(name, { max_position_embeddings: 8 }, 16).theta).toBe(defaultTheta);
  });
});
