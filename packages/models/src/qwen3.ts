// SPDX-License-Identifier: Apache-2.0
/**
 * Qwen3, the dense models (0.6B to 32B):
 * - as Llama, without biases unless the config says so
 * - an RMSNorm over each query and key head, before the rotary turn
 * - a head size of its own (128), not C / H
 * - a sliding window in some layers where the config asks for it
 * Reference: Transformers 5.18, models/qwen3/modeling_qwen3.py.
 * T tokens, C hidden size, H query heads, G key heads, D head size.
 */
import {
  causalArchitecture,
  DecoderPass,
  gatedActivation,
  GatedMlp,
  headCounts,
  joinHeads,
  layerWindows,
  ropeKeys,
  ropeOptions,
  runBlocks,
  splitHeads,
  tf,
  windowKeys,
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

/** Keys and defaults of Qwen3Config. */
export const qwen3Config = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  num_key_value_heads: z.int().min(1).nullable().default(32),
  head_dim: z.int().min(2).nullable().default(128),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: z.int().min(1).default(32768),
  initializer_range: z.number().min(0).default(0.02),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().default(false),
  ...windowKeys,
  ...ropeKeys,
});
type Qwen3Config = z.output<typeof qwen3Config>;

class Qwen3Attention {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;
  readonly q_norm: RmsNorm;
  readonly k_norm: RmsNorm;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: Qwen3Config,
    private readonly window: number,
  ) {
    const { heads, keyHeads, headDim } = headCounts('qwen3', config);
    const { hidden_size: hidden, attention_bias: hasBias } = config;
    this.headDim = headDim;
    this.q_proj = parts.linear('q_proj', [heads * headDim, hidden], hasBias);
    this.k_proj = parts.linear('k_proj', [keyHeads * headDim, hidden], hasBias);
    this.v_proj = parts.linear('v_proj', [keyHeads * headDim, hidden], hasBias);
    this.o_proj = parts.linear('o_proj', [hidden, heads * headDim], hasBias);
    this.q_norm = parts.rmsNorm('q_norm', headDim, config.rms_norm_eps);
    this.k_norm = parts.rmsNorm('k_norm', headDim, config.rms_norm_eps);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const q = this.q_norm.forward(splitHeads(this.q_proj.forward(x, pass.context), this.headDim)); // [T, H, D]
    const k = this.k_norm.forward(splitHeads(this.k_proj.forward(x, pass.context), this.headDim)); // [T, G, D]
    const v = splitHeads(this.v_proj.forward(x, pass.context), this.headDim); // [T, G, D]
    const attended = pass.attend(this.layer, ...pass.rotate(q, k), v, this.window); // [T, H, D]
    return this.o_proj.forward(joinHeads(attended), pass.context); // [T, C]
  }
}

class Qwen3Block implements Block {
  readonly input_layernorm: RmsNorm;
  readonly self_attn: Qwen3Attention;
  readonly post_attention_layernorm: RmsNorm;
  readonly mlp: GatedMlp;

  constructor(parts: ModelParts, layer: number, config: Qwen3Config, window: number) {
    const { hidden_size: hidden, intermediate_size: inner, rms_norm_eps: epsilon } = config;
    this.input_layernorm = parts.rmsNorm('input_layernorm', hidden, epsilon);
    this.self_attn = new Qwen3Attention(parts.at('self_attn'), layer, config, window);
    this.post_attention_layernorm = parts.rmsNorm('post_attention_layernorm', hidden, epsilon);
    const gated = gatedActivation('qwen3', 'hidden_act', config.hidden_act);
    this.mlp = new GatedMlp(parts.at('mlp'), [hidden, inner], false, gated);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.self_attn.forward(this.input_layernorm.forward(x), pass));
    return tf.add(attended, this.mlp.forward(this.post_attention_layernorm.forward(attended), pass.context));
  }
}

class Qwen3Decoder implements Decoder {
  readonly embed_tokens: Embedding;
  readonly layers: readonly Qwen3Block[];
  readonly norm: RmsNorm;
  private readonly rope: RopeOptions;

  constructor(parts: ModelParts, config: Qwen3Config) {
    const { vocab_size, hidden_size: hidden, num_hidden_layers: count } = config;
    const windows = layerWindows('qwen3', config);
    this.embed_tokens = parts.embedding('embed_tokens', [vocab_size, hidden]);
    this.layers = parts.list('layers', count, (of, layer) => new Qwen3Block(of, layer, config, windows[layer]!));
    this.norm = parts.rmsNorm('norm', hidden, config.rms_norm_eps);
    this.rope = ropeOptions('qwen3', config, headCounts('qwen3', config).headDim);
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.embed_tokens.forward(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    return this.norm.forward(runBlocks(this.layers, embedded, new DecoderPass(context, this.rope)));
  }
}

export const qwen3 = causalArchitecture({
  modelType: 'qwen3',
  description: 'Qwen3, dense models',
  config: qwen3Config,
  paths: { decoder: 'model', head: 'lm_head' },
  buffers: /\.rotary_emb\.inv_freq$/,
  build(config, parts, headParts) {
    const decoder = new Qwen3Decoder(parts, config);
    const tiedTo = config.tie_word_embeddings ? decoder.embed_tokens : null;
    const head = headParts.head([config.vocab_size, config.hidden_size], { tiedTo });
    return { decoder, head, contextLength: config.max_position_embeddings };
  },
});
