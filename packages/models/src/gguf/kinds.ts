// SPDX-License-Identifier: Apache-2.0
// What llama.cpp calls the kinds of models, their tensors and their settings, in the words of Transformers.
import { ggufErrors } from './gguf-errors.js';
import type { GgufHead } from './gguf-file.js';
import type { Metadata } from './metadata.js';

/** A kind of model as GGUF files name it (`general.architecture`). */
export interface GgufKind {
  readonly name: string;
  /** The rows of q and k stand in pairs of rotary halves within each head; Transformers has the halves one after the other. */
  readonly hasPairedRows: boolean;
}

const kinds: readonly GgufKind[] = [
  { name: 'llama', hasPairedRows: true },
  { name: 'qwen2', hasPairedRows: false },
  { name: 'qwen3', hasPairedRows: false },
];

/** @throws LLMF_MODELS_GGUF_KIND */
export function kindOf(metadata: Metadata): GgufKind {
  const name = metadata.text('general.architecture');
  const kind = kinds.find((each) => each.name === name);
  if (kind !== undefined) return kind;
  throw ggufErrors.ggufKind({ file: metadata.file, got: name, known: kinds.map((each) => each.name) });
}

const wholeNames: Readonly<Record<string, string>> = {
  token_embd: 'model.embed_tokens',
  output_norm: 'model.norm',
  output: 'lm_head',
};
const blockNames: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

/** Frequencies of scaled rotary positions, which the config states instead. */
export const ropeFactors = 'rope_freqs.weight';

/** The name in Transformers of a tensor of the file; names that nobody knows stay, for the message of who checks them. */
export function transformersName(name: string): string {
  const whole = /^(\w+)\.(weight|bias)$/.exec(name);
  if (whole !== null && whole[1]! in wholeNames) return `${wholeNames[whole[1]!]}.${whole[2]}`;
  const block = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(name);
  if (block === null || !(block[2]! in blockNames)) return name;
  return `model.layers.${block[1]}.${blockNames[block[2]!]}.${block[3]}`;
}

/** config.json of a file. @throws LLMF_MODELS_GGUF_VALUE */
export function configOf(kind: GgufKind, metadata: Metadata, { tensors }: GgufHead): Record<string, unknown> {
  const key = (name: string) => `${kind.name}.${name}`;
  const embedding = tensors.get('token_embd.weight');
  const heads = metadata.size(key('attention.head_count'));
  const hiddenSize = metadata.size(key('embedding_length'));
  const columns = embedding?.shape.at(-1) ?? hiddenSize;
  if (hiddenSize !== columns)
    throw metadata.refuse(key('embedding_length'), `${columns}, as token_embd.weight has columns`);
  const headDim = metadata.size(key('attention.key_length'), hiddenSize / heads);
  if (headDim % 2 !== 0 || headDim > hiddenSize)
    throw metadata.refuse(key('attention.head_count'), `heads of an even size, of ${hiddenSize} columns`);
  const rotary = metadata.count(key('rope.dimension_count'), headDim);
  if (rotary !== headDim)
    throw metadata.refuse(key('rope.dimension_count'), `${headDim}: rotary positions over the whole head`);
  if (metadata.count(key('expert_count'), 0) > 0)
    throw metadata.refuse(key('expert_count'), 'no experts: dense MLP layers');
  const window = metadata.count(key('attention.sliding_window'), 0);
  const modelType = kind.name === 'llama' && window > 0 ? 'mistral' : kind.name;
  return {
    model_type: modelType,
    vocab_size: embedding?.shape[0] ?? metadata.count(key('vocab_size')),
    hidden_size: hiddenSize,
    intermediate_size: metadata.size(key('feed_forward_length')),
    num_hidden_layers: metadata.size(key('block_count')),
    num_attention_heads: heads,
    num_key_value_heads: metadata.size(key('attention.head_count_kv'), heads),
    ...(modelType === 'qwen2' ? {} : { head_dim: headDim }),
    max_position_embeddings: metadata.size(key('context_length')),
    rms_norm_eps: shortest(metadata.number(key('attention.layer_norm_rms_epsilon'))),
    hidden_act: 'silu',
    tie_word_embeddings: !tensors.has('output.weight'),
    rope_theta: shortest(metadata.number(key('rope.freq_base'), 10_000)),
    ...(window > 0 ? { sliding_window: window } : {}),
    ...(modelType === 'llama' && tensors.has('blk.0.attn_q.bias') ? { attention_bias: true } : {}),
    ...(modelType === 'llama' && tensors.has('blk.0.ffn_up.bias') ? { mlp_bias: true } : {}),
    ...tokenIds(metadata),
  };
}

/** Ids of special tokens under the keys of config.json; the end of a turn is one more end. */
function tokenIds(metadata: Metadata): Record<string, unknown> {
  const id = (name: string) => {
    const key = `tokenizer.ggml.${name}_token_id`;
    return metadata.has(key) ? metadata.count(key) : undefined;
  };
  const ends = [...new Set([id('eos'), id('eot')])].filter((each) => each !== undefined);
  return {
    ...(id('bos') === undefined ? {} : { bos_token_id: id('bos') }),
    ...(ends.length === 0 ? {} : { eos_token_id: ends.length === 1 ? ends[0] : ends }),
    ...(id('padding') === undefined ? {} : { pad_token_id: id('padding') }),
  };
}

/** The shortest decimal that is this float32: files keep 1e-5 as 9.99999974737875e-6. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}
