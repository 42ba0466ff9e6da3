// SPDX-License-Identifier: Apache-2.0

/** A Qwen2-VL of two narrow layers over the real vocabulary. */
export const smallQwen2Vl = {
  model_type: 'qwen2_vl',
  vocab_size: 151936,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 4096,
  rms_norm_eps: 1e-6,
  tie_word_embeddings: true,
  initializer_range: 0.05,
  rope_theta: 1e6,
  rope_scaling: { type: 'mrope', mrope_section: [2, 1, 1] },
  vision_config: { depth: 1, embed_dim: 32, hidden_size: 32, mlp_ratio: 2, num_heads: 4 },
};
