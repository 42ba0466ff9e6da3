// SPDX-License-Identifier: Apache-2.0
/**
 * Qwen1.5-MoE and Qwen2-MoE:
 * - attention as Qwen2's
 * - in most blocks many small MLPs, of which a router chooses some for each token, beside one that computes all
 * Qwen Team, "Qwen2 technical report", 2024 (arXiv 2407.10671), section 2.2.2.
 * Reference: Transformers 5.18, models/qwen2_moe/modeling_qwen2_moe.py.
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
  windowKeys,
  windowsByType,
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

/** Keys and defaults of Qwen2MoeConfig. */
export const qwen2MoeConfig = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  num_key_value_heads: z.int().min(1).nullable().default(16),
  qkv_bias: z.boolean().default(true),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: z.int().min(1).default(32768),
  initializer_range: z.number().min(0).default(0.02),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  moe_intermediate_size: z.int().min(1).default(1408),
  shared_expert_intermediate_size: z.int().min(1).default(5632),
  num_experts: z.int().min(1).default(60),
  num_experts_per_tok: z.int().min(1).default(4),
  norm_topk_prob: z.boolean().default(false),
  /** Every layer of this number has experts, but for those of `mlp_only_layers`. */
  decoder_sparse_step: z.int().min(1).default(1),
  mlp_only_layers: z.array(z.int().min(0)).nullish(),
  /** Is the router's loss a part of the objective, with the weight below? */
  output_router_logits: z.boolean().default(false),
  router_aux_loss_coef: z.number().min(0).default(0.001),
  ...windowKeys,
  /** 0 as well as null: no window. */
  sliding_window: z.int().min(0).nullable().default(4096),
  ...ropeKeys,
});
type Qwen2MoeConfig = z.output<typeof qwen2MoeConfig>;

class Qwen2MoeAttention {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: Qwen2MoeConfig,
    private readonly window: number,
  ) {
    const { heads, keyHeads, headDim } = headCounts('qwen2_moe', config);
    const { hidden_size: hidden, qkv_bias: hasBias } = config;
    this.headDim = headDim;
    this.q_proj = parts.linear('q_proj', [heads * headDim, hidden], hasBias);
    this.k_proj = parts.linear('k_proj', [keyHeads * headDim, hidden], hasBias);
    this.v_proj = parts.linear('v_proj', [keyHeads * headDim, hidden], hasBias);
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

/** The chosen experts and, beside them, one that computes every token, as far as its gate lets it through. */
class SharedAndRouted {
  readonly shared_expert: GatedMlp;
  readonly shared_expert_gate: Linear;

  constructor(
    parts: ModelParts,
    config: Qwen2MoeConfig,
    private readonly routed: RoutedExperts,
  ) {
    const { hidden_size: hidden, shared_expert_intermediate_size: inner } = config;
    const gated = gatedActivation('qwen2_moe', 'hidden_act', config.hidden_act);
    this.shared_expert = new GatedMlp(parts.at('shared_expert'), [hidden, inner], false, gated);
    this.shared_expert_gate = parts.linear('shared_expert_gate', [1, hidden], false);
  }

  forward(x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const share = tf.sigmoid(this.shared_expert_gate.forward(x, context)); // [T, 1]
    return tf.add(this.routed.forward(x, context), tf.mul(share, this.shared_expert.forward(x, context)));
  }
}

/** An MLP, or experts of which a router chooses some for each token. */
type Mlp = GatedMlp | SharedAndRouted;

function mlpOf(parts: ModelParts, layer: number, config: Qwen2MoeConfig): Mlp {
  const { hidden_size: hidden, num_experts: count, decoder_sparse_step: step } = config;
  const gated = gatedActivation('qwen2_moe', 'hidden_act', config.hidden_act);
  const isDense = (config.mlp_only_layers ?? []).includes(layer) || (layer + 1) % step !== 0;
  if (isDense) return new GatedMlp(parts, [hidden, config.intermediate_size], false, gated);
  const router = parts.linear('gate', [count, hidden], false);
  const { moe_intermediate_size: inner } = config;
  const experts = parts.experts('experts', count, (of) => {
    const [gate, up] = [of.linear('gate_proj', [inner, hidden], false), of.linear('up_proj', [inner, hidden], false)];
    return { gate, up, down: of.linear('down_proj', [hidden, inner], false) };
  });
  const options = { perToken: config.num_experts_per_tok, isNormalised: config.norm_topk_prob, gated };
  return new SharedAndRouted(parts, config, new RoutedExperts(router, experts, options));
}

class Qwen2MoeBlock implements Block {
  readonly input_layernorm: RmsNorm;
  readonly self_attn: Qwen2MoeAttention;
  readonly post_attention_layernorm: RmsNorm;
  readonly mlp: Mlp;

  constructor(parts: ModelParts, layer: number, config: Qwen2MoeConfig, window: number) {
    const { hidden_size: hidden, rms_norm_eps: epsilon } = config;
    this.input_layernorm = parts.rmsNorm('input_layernorm', hidden, epsilon);
    this.self_attn = new Qwen2MoeAttention(parts.at('self_attn'), layer, config, window);
    this.post_attention_layernorm = parts.rmsNorm('post_attention_layernorm', hidden, epsilon);
    this.mlp = mlpOf(parts.at('mlp'), layer, config);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.self_attn.forward(this.input_layernorm.forward(x), pass));
    return tf.add(attended, this.mlp.forward(this.post_attention_layernorm.forward(attended), pass.context));
  }
}

class Qwen2MoeDecoder implements Decoder {
  readonly embed_tokens: Embedding;
  readonly layers: readonly Qwen2MoeBlock[];
  readonly norm: RmsNorm;
  private readonly rope: RopeOptions;
  private readonly balance: RouterBalanceOptions;

  constructor(parts: ModelParts, config: Qwen2MoeConfig) {
    const { vocab_size, hidden_size: hidden, num_hidden_layers: count } = config;
    const windows = windowsOf(config);
    this.embed_tokens = parts.embedding('embed_tokens', [vocab_size, hidden]);
    this.layers = parts.list('layers', count, (of, layer) => new Qwen2MoeBlock(of, layer, config, windows[layer]!));
    this.norm = parts.rmsNorm('norm', hidden, config.rms_norm_eps);
    this.balance = config;
    this.rope = ropeOptions('qwen2_moe', config, headCounts('qwen2_moe', config).headDim);
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

/** Unlike Qwen2: without `layer_types` every second layer before `max_window_layers` has the window. */
function windowsOf(config: Qwen2MoeConfig): number[] {
  const window = config.use_sliding_window ? (config.sliding_window ?? 0) : 0;
  const isSliding = (layer: number) => layer % 2 === 0 && layer < config.max_window_layers;
  return windowsByType('qwen2_moe', config, window, isSliding);
}

export const qwen2Moe = causalArchitecture({
  modelType: 'qwen2_moe',
  description: 'Qwen1.5 and Qwen2, mixtures of experts',
  config: qwen2MoeConfig,
  paths: { decoder: 'model', head: 'lm_head' },
  buffers: /\.rotary_emb\.inv_freq$/,
  build(config, parts, headParts) {
    const decoder = new Qwen2MoeDecoder(parts, config);
    const tiedTo = config.tie_word_embeddings ? decoder.embed_tokens : null;
    const head = headParts.head([config.vocab_size, config.hidden_size], { tiedTo });
    return { decoder, head, contextLength: config.max_position_embeddings };
  },
});
