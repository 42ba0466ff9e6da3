// SPDX-License-Identifier: Apache-2.0
/**
 * Qwen 1.5, Qwen2 and Qwen2.5, and the language half of Qwen2-VL and Qwen2.5-VL:
 * - as Llama, with biases on queries, keys and values but none on the output
 * - a sliding window in some layers where the config asks for it
 * - multimodal rotary positions where the config has an `mrope_section`
 * Reference: Transformers 5.18, models/qwen2/modeling_qwen2.py.
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

/** Keys and defaults of Qwen2Config. */
export const qwen2Config = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  num_key_value_heads: z.int().min(1).nullable().default(32),
  head_dim: z.int().min(2).nullish(),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: z.int().min(1).default(32768),
  initializer_range: z.number().min(0).default(0.02),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  ...windowKeys,
  ...ropeKeys,
});
type Qwen2Config = z.output<typeof qwen2Config>;

class Qwen2Attention {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: Qwen2Config,
    private readonly window: number,
  ) {
    const { heads, keyHeads, headDim } = headCounts('qwen2', config);
    const { hidden_size: hidden } = config;
    this.headDim = headDim;
    this.q_proj = parts.linear('q_proj', [heads * headDim, hidden], true);
    this.k_proj = parts.linear('k_proj', [keyHeads * headDim, hidden], true);
    this.v_proj = parts.linear('v_proj', [keyHeads * headDim, hidden], true);
    this.o_proj = parts.linear('o_proj', [hidden, heads * headDim], false);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const q = splitHeads(this.q_proj.forward(x, pass.context), this.headDim); // [T, H, D]
    const k = splitHeads(this.k_proj.forward(x, pass.context), this.headDim); // [T, G, D]
    const v = splitHeads(this.v_proj.forward(x, pass.context), this.headDim); // [T, G, D]
    const attended = pass.attend(this.layer, ...pass.rotate(q, k), v, this.window); // [T, H, D]
    return this.o_proj.forward(joinHeads(attended), pass.context); // [T, C]
  }
}

class Qwen2Block implements Block {
  readonly input_layernorm: RmsNorm;
  readonly self_attn: Qwen2Attention;
  readonly post_attention_layernorm: RmsNorm;
  readonly mlp: GatedMlp;

  constructor(parts: ModelParts, layer: number, config: Qwen2Config, window: number) {
    const { hidden_size: hidden, intermediate_size: inner, rms_norm_eps: epsilon } = config;
    this.input_layernorm = parts.rmsNorm('input_layernorm', hidden, epsilon);
    this.self_attn = new Qwen2Attention(parts.at('self_attn'), layer, config, window);
    this.post_attention_layernorm = parts.rmsNorm('post_attention_layernorm', hidden, epsilon);
    const gated = gatedActivation('qwen2', 'hidden_act', config.hidden_act);
    this.mlp = new GatedMlp(parts.at('mlp'), [hidden, inner], false, gated);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.self_attn.forward(this.input_layernorm.forward(x), pass));
    return tf.add(attended, this.mlp.forward(this.post_attention_layernorm.forward(attended), pass.context));
  }
}

class Qwen2Decoder implements Decoder {
  readonly embed_tokens: Embedding;
  readonly layers: readonly Qwen2Block[];
  readonly norm: RmsNorm;
  private readonly rope: RopeOptions;

  constructor(parts: ModelParts, config: Qwen2Config) {
    const { vocab_size, hidden_size: hidden, num_hidden_layers: count } = config;
    const windows = layerWindows('qwen2', config);
    this.embed_tokens = parts.embedding('embed_tokens', [vocab_size, hidden]);
    this.layers = parts.list('layers', count, (of, layer) => new Qwen2Block(of, layer, config, windows[layer]!));
    this.norm = parts.rmsNorm('norm', hidden, config.rms_norm_eps);
    this.rope = ropeOptions('qwen2', config, headCounts('qwen2', config).headDim);
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.embed_tokens.forward(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    return this.norm.forward(runBlocks(this.layers, embedded, new DecoderPass(context, this.rope)));
  }
}

export const qwen2 = causalArchitecture({
  modelType: 'qwen2',
  description: 'Qwen 1.5, Qwen2 and Qwen2.5',
  config: qwen2Config,
  paths: { decoder: 'model', head: 'lm_head' },
  buffers: /\.rotary_emb\.inv_freq$/,
  build(config, parts, headParts) {
    const decoder = new Qwen2Decoder(parts, config);
    const tiedTo = config.tie_word_embeddings ? decoder.embed_tokens : null;
    const head = headParts.head([config.vocab_size, config.hidden_size], { tiedTo });
    return { decoder, head, contextLength: config.max_position_embeddings };
  },
});
