// SPDX-License-Identifier: Apache-2.0
/**
 * Qwen3-MoE (30B-A3B, 235B-A22B, Qwen3-Coder):
 * - attention as Qwen3's, with an RMSNorm over each query and key head; a sliding window in every layer where asked for
 * - in each block many small MLPs, of which a router chooses some for each token
 * Qwen Team, "Qwen3 technical report", 2025 (arXiv 2505.09388), section 2.
 * Reference: Transformers 5.18, models/qwen3_moe/modeling_qwen3_moe.py.
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

/** Keys and defaults of Qwen3MoeConfig. */
export const qwen3MoeConfig = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  num_key_value_heads: z.int().min(1).nullable().default(4),
  head_dim: z.int().min(2).nullish(),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: z.int().min(1).default(32768),
  initializer_range: z.number().min(0).default(0.02),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  moe_intermediate_size: z.int().min(1).default(768),
  num_experts: z.int().min(1).default(128),
  num_experts_per_tok: z.int().min(1).default(8),
  norm_topk_prob: z.boolean().default(false),
  /** Every layer of this number has experts, but for those of `mlp_only_layers`. */
  decoder_sparse_step: z.int().min(1).default(1),
  mlp_only_layers: z.array(z.int().min(0)).nullish(),
  /** Is the router's loss a part of the objective, with the weight below? */
  output_router_logits: z.boolean().default(false),
  router_aux_loss_coef: z.number().min(0).default(0.001),
  attention_bias: z.boolean().default(false),
  use_sliding_window: z.boolean().default(false),
  sliding_window: z.int().min(1).nullable().default(4096),
  ...ropeKeys,
});
type Qwen3MoeConfig = z.output<typeof qwen3MoeConfig>;

class Qwen3MoeAttention {
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
    config: Qwen3MoeConfig,
    private readonly window: number,
  ) {
    const { heads, keyHeads, headDim } = headCounts('qwen3_moe', config);
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

/** An MLP, or experts of which a router chooses some for each token. */
type Mlp = GatedMlp | RoutedExperts;

function mlpOf(parts: ModelParts, layer: number, config: Qwen3MoeConfig): Mlp {
  const { hidden_size: hidden, num_experts: count, decoder_sparse_step: step } = config;
  const gated = gatedActivation('qwen3_moe', 'hidden_act', config.hidden_act);
  const isDense = (config.mlp_only_layers ?? []).includes(layer) || (layer + 1) % step !== 0;
  if (isDense) return new GatedMlp(parts, [hidden, config.intermediate_size], false, gated);
  const router = parts.linear('gate', [count, hidden], false);
  const { moe_intermediate_size: inner } = config;
  const experts = parts.experts('experts', count, (of) => {
    const [gate, up] = [of.linear('gate_proj', [inner, hidden], false), of.linear('up_proj', [inner, hidden], false)];
    return { gate, up, down: of.linear('down_proj', [hidden, inner], false) };
  });
  const options = { perToken: config.num_experts_per_tok, isNormalised: config.norm_topk_prob, gated };
  return new RoutedExperts(router, experts, options);
}

class Qwen3MoeBlock implements Block {
  readonly input_layernorm: RmsNorm;
  readonly self_attn: Qwen3MoeAttention;
  readonly post_attention_layernorm: RmsNorm;
  readonly mlp: Mlp;

  constructor(parts: ModelParts, layer: number, config: Qwen3MoeConfig, window: number) {
    const { hidden_size: hidden, rms_norm_eps: epsilon } = config;
    this.input_layernorm = parts.rmsNorm('input_layernorm', hidden, epsilon);
    this.self_attn = new Qwen3MoeAttention(parts.at('self_attn'), layer, config, window);
    this.post_attention_layernorm = parts.rmsNorm('post_attention_layernorm', hidden, epsilon);
    this.mlp = mlpOf(parts.at('mlp'), layer, config);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.self_attn.forward(this.input_layernorm.forward(x), pass));
    return tf.add(attended, this.mlp.forward(this.post_attention_layernorm.forward(attended), pass.context));
  }
}

class Qwen3MoeDecoder implements Decoder {
  readonly embed_tokens: Embedding;
  readonly layers: readonly Qwen3MoeBlock[];
  readonly norm: RmsNorm;
  private readonly rope: RopeOptions;
  private readonly balance: RouterBalanceOptions;

  constructor(parts: ModelParts, config: Qwen3MoeConfig) {
    const { vocab_size, hidden_size: hidden, num_hidden_layers: count } = config;
    const window = config.use_sliding_window ? (config.sliding_window ?? 0) : 0;
    this.embed_tokens = parts.embedding('embed_tokens', [vocab_size, hidden]);
    this.layers = parts.list('layers', count, (of, layer) => new Qwen3MoeBlock(of, layer, config, window));
    this.norm = parts.rmsNorm('norm', hidden, config.rms_norm_eps);
    this.balance = config;
    this.rope = ropeOptions('qwen3_moe', config, headCounts('qwen3_moe', config).headDim);
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

export const qwen3Moe = causalArchitecture({
  modelType: 'qwen3_moe',
  description: 'Qwen3, mixtures of experts',
  config: qwen3MoeConfig,
  aliases: { num_local_experts: 'num_experts' },
  paths: { decoder: 'model', head: 'lm_head' },
  buffers: /\.rotary_emb\.inv_freq$/,
  build(config, parts, headParts) {
    const decoder = new Qwen3MoeDecoder(parts, config);
    const tiedTo = config.tie_word_embeddings ? decoder.embed_tokens : null;
    const head = headParts.head([config.vocab_size, config.hidden_size], { tiedTo });
    return { decoder, head, contextLength: config.max_position_embeddings };
  },
});
