// SPDX-License-Identifier: Apache-2.0
/**
 * Llama 2, 3, 3.1, 3.2 and what is built like them (SmolLM, TinyLlama, …):
 * - RMSNorm before attention and MLP, no biases unless the config says so
 * - rotary positions, plain, linear or llama3-scaled
 * - grouped key/value heads, SwiGLU, head tied to the embeddings or of its own
 * Reference: Transformers 5.18, models/llama/modeling_llama.py.
 * T tokens, C hidden size, H query heads, G key heads, D head size.
 */
import {
  causalArchitecture,
  DecoderPass,
  gatedActivation,
  GatedMlp,
  headCounts,
  joinHeads,
  ropeKeys,
  ropeOptions,
  runBlocks,
  splitHeads,
  tf,
  type Block,
  type Decoder,
  type Embedding,
  type ForwardContext,
  type Ints,
  type Linear,
  type ModelParts,
  type RmsNorm,
  type RopeOptions,
} from '@llmf/nn';
import { z } from 'zod';

/** Keys and defaults of LlamaConfig. */
export const llamaConfig = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  num_key_value_heads: z.int().min(1).nullish(),
  head_dim: z.int().min(2).nullish(),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: z.int().min(1).default(2048),
  initializer_range: z.number().min(0).default(0.02),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  ...ropeKeys,
});
type LlamaConfig = z.output<typeof llamaConfig>;

class LlamaAttention {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: LlamaConfig,
  ) {
    const { heads, keyHeads, headDim } = headCounts('llama', config);
    const { hidden_size: hidden, attention_bias: hasBias } = config;
    this.headDim = headDim;
    this.q_proj = parts.linear('q_proj', [heads * headDim, hidden], hasBias);
    this.k_proj = parts.linear('k_proj', [keyHeads * headDim, hidden], hasBias);
    this.v_proj = parts.linear('v_proj', [keyHeads * headDim, hidden], hasBias);
    this.o_proj = parts.linear('o_proj', [hidden, heads * headDim], hasBias);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const q = splitHeads(this.q_proj.forward(x, pass.context), this.headDim); // [T, H, D]
    const k = splitHeads(this.k_proj.forward(x, pass.context), this.headDim); // [T, G, D]
    const v = splitHeads(this.v_proj.forward(x, pass.context), this.headDim); // [T, G, D]
    const attended = pass.attend(this.layer, ...pass.rotate(q, k), v); // [T, H, D]
    return this.o_proj.forward(joinHeads(attended), pass.context); // [T, C]
  }
}

class LlamaBlock implements Block {
  readonly input_layernorm: RmsNorm;
  readonly self_attn: LlamaAttention;
  readonly post_attention_layernorm: RmsNorm;
  readonly mlp: GatedMlp;

  constructor(parts: ModelParts, layer: number, config: LlamaConfig) {
    const { hidden_size: hidden, intermediate_size: inner, rms_norm_eps: epsilon } = config;
    this.input_layernorm = parts.rmsNorm('input_layernorm', hidden, epsilon);
    this.self_attn = new LlamaAttention(parts.at('self_attn'), layer, config);
    this.post_attention_layernorm = parts.rmsNorm('post_attention_layernorm', hidden, epsilon);
    const gated = gatedActivation('llama', 'hidden_act', config.hidden_act);
    this.mlp = new GatedMlp(parts.at('mlp'), [hidden, inner], config.mlp_bias, gated);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.self_attn.forward(this.input_layernorm.forward(x), pass));
    return tf.add(attended, this.mlp.forward(this.post_attention_layernorm.forward(attended), pass.context));
  }
}

class LlamaDecoder implements Decoder {
  readonly embed_tokens: Embedding;
  readonly layers: readonly LlamaBlock[];
  readonly norm: RmsNorm;
  private readonly rope: RopeOptions;

  constructor(parts: ModelParts, config: LlamaConfig) {
    const { vocab_size, hidden_size: hidden, num_hidden_layers: count } = config;
    this.embed_tokens = parts.embedding('embed_tokens', [vocab_size, hidden]);
    this.layers = parts.list('layers', count, (of, layer) => new LlamaBlock(of, layer, config));
    this.norm = parts.rmsNorm('norm', hidden, config.rms_norm_eps);
    this.rope = ropeOptions('llama', config, headCounts('llama', config).headDim);
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.embed_tokens.forward(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    return this.norm.forward(runBlocks(this.layers, embedded, new DecoderPass(context, this.rope)));
  }
}

export const llama = causalArchitecture({
  modelType: 'llama',
  description: 'Llama 2 to 3.2 and checkpoints built like them',
  config: llamaConfig,
  paths: { decoder: 'model', head: 'lm_head' },
  buffers: /\.rotary_emb\.inv_freq$/,
  build(config, parts, headParts) {
    const decoder = new LlamaDecoder(parts, config);
    const tiedTo = config.tie_word_embeddings ? decoder.embed_tokens : null;
    const head = headParts.head([config.vocab_size, config.hidden_size], { tiedTo });
    return { decoder, head, contextLength: config.max_position_embeddings };
  },
});
