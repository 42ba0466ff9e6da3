// SPDX-License-Identifier: Apache-2.0
/**
 * Mixtral 8x7B and 8x22B and what is built like them:
 * - attention as Mistral's, with a sliding window in every layer where the config names one
 * - in each block eight MLPs, of which a router chooses two for each token
 * Jiang et al., "Mixtral of experts", 2024 (arXiv 2401.04088), section 2.
 * Reference: Transformers 5.18, models/mixtral/modeling_mixtral.py.
 * T tokens, C hidden size, F width of an expert, E experts, H query heads, G key heads, D head size.
 */
import {
  causalArchitecture,
  DecoderPass,
  gatedActivation,
  headCounts,
  joinHeads,
  ropeKeys,
  ropeOptions,
  RoutedExperts,
  RouterBalance,
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
  type RouterBalanceOptions,
  type RopeOptions,
} from '@llmf/nn';
import { z } from 'zod';

/** Keys and defaults of MixtralConfig. */
export const mixtralConfig = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  num_key_value_heads: z.int().min(1).nullable().default(8),
  head_dim: z.int().min(2).nullish(),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: z.int().min(1).default(131072),
  initializer_range: z.number().min(0).default(0.02),
  rms_norm_eps: z.number().positive().default(1e-5),
  tie_word_embeddings: z.boolean().default(false),
  /** null: no window. */
  sliding_window: z.int().min(1).nullable().default(null),
  num_local_experts: z.int().min(1).default(8),
  num_experts_per_tok: z.int().min(1).default(2),
  router_jitter_noise: z.literal(0, '0: no noise on what the router sees').default(0),
  /** Is the router's loss a part of the objective, with the weight below? */
  output_router_logits: z.boolean().default(false),
  router_aux_loss_coef: z.number().min(0).default(0.001),
  ...ropeKeys,
});
type MixtralConfig = z.output<typeof mixtralConfig>;

class MixtralAttention {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;
  private readonly headDim: number;
  private readonly window: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: MixtralConfig,
  ) {
    const { heads, keyHeads, headDim } = headCounts('mixtral', config);
    const { hidden_size: hidden } = config;
    this.headDim = headDim;
    this.window = config.sliding_window ?? 0;
    this.q_proj = parts.linear('q_proj', [heads * headDim, hidden], false);
    this.k_proj = parts.linear('k_proj', [keyHeads * headDim, hidden], false);
    this.v_proj = parts.linear('v_proj', [keyHeads * headDim, hidden], false);
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

function mixtralExperts(parts: ModelParts, config: MixtralConfig): RoutedExperts {
  const { hidden_size: hidden, intermediate_size: inner, num_local_experts: count } = config;
  const gate = parts.linear('gate', [count, hidden], false);
  const experts = parts.experts('experts', count, (of) => {
    const w1 = of.linear('w1', [inner, hidden], false);
    const w2 = of.linear('w2', [hidden, inner], false);
    return { gate: w1, up: of.linear('w3', [inner, hidden], false), down: w2 };
  });
  const gated = gatedActivation('mixtral', 'hidden_act', config.hidden_act);
  return new RoutedExperts(gate, experts, { perToken: config.num_experts_per_tok, isNormalised: true, gated });
}

class MixtralBlock implements Block {
  readonly input_layernorm: RmsNorm;
  readonly self_attn: MixtralAttention;
  readonly post_attention_layernorm: RmsNorm;
  readonly block_sparse_moe: RoutedExperts;

  constructor(parts: ModelParts, layer: number, config: MixtralConfig) {
    const { hidden_size: hidden, rms_norm_eps: epsilon } = config;
    this.input_layernorm = parts.rmsNorm('input_layernorm', hidden, epsilon);
    this.self_attn = new MixtralAttention(parts.at('self_attn'), layer, config);
    this.post_attention_layernorm = parts.rmsNorm('post_attention_layernorm', hidden, epsilon);
    this.block_sparse_moe = mixtralExperts(parts.at('block_sparse_moe'), config);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.self_attn.forward(this.input_layernorm.forward(x), pass));
    return tf.add(
      attended,
      this.block_sparse_moe.forward(this.post_attention_layernorm.forward(attended), pass.context),
    );
  }
}

class MixtralDecoder implements Decoder {
  readonly embed_tokens: Embedding;
  readonly layers: readonly MixtralBlock[];
  readonly norm: RmsNorm;
  private readonly rope: RopeOptions;
  private readonly balance: RouterBalanceOptions;

  constructor(parts: ModelParts, config: MixtralConfig) {
    const { vocab_size, hidden_size: hidden, num_hidden_layers: count } = config;
    this.embed_tokens = parts.embedding('embed_tokens', [vocab_size, hidden]);
    this.layers = parts.list('layers', count, (of, layer) => new MixtralBlock(of, layer, config));
    this.norm = parts.rmsNorm('norm', hidden, config.rms_norm_eps);
    this.balance = config;
    this.rope = ropeOptions(
      'mixtral',
      { ...config, rope_theta: config.rope_theta ?? 1e6 },
      headCounts('mixtral', config).headDim,
    );
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.embed_tokens.forward(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const balance = new RouterBalance(context, this.balance);
    const x = runBlocks(this.layers, embedded, new DecoderPass(balance.context, this.rope));
    balance.report(embedded.shape[0]);
    return this.norm.forward(x);
  }
}

export const mixtral = causalArchitecture({
  modelType: 'mixtral',
  description: 'Mixtral of experts',
  config: mixtralConfig,
  aliases: { num_experts: 'num_local_experts' },
  paths: { decoder: 'model', head: 'lm_head' },
  buffers: /\.rotary_emb\.inv_freq$/,
  /** PEFT reads the names of the files, as Transformers 4 had them, and writes those of Transformers 5. */
  moduleNames: {
    toTransformers: (path) => path,
    fromTransformers: (path) => path.replace(/\.mlp\.(?=experts\b|gate\b)/, '.block_sparse_moe.'),
  },
  build(config, parts, headParts) {
    const decoder = new MixtralDecoder(parts, config);
    const tiedTo = config.tie_word_embeddings ? decoder.embed_tokens : null;
    const head = headParts.head([config.vocab_size, config.hidden_size], { tiedTo });
    return { decoder, head, contextLength: config.max_position_embeddings };
  },
});
