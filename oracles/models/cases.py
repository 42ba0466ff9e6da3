# SPDX-License-Identifier: Apache-2.0
"""The tiny models of make_fixtures.py: name of the folder → class, config, whether an adapter is made for it."""

from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    BertModel,
    BloomConfig,
    BloomForCausalLM,
    FalconConfig,
    FalconForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    GPTJConfig,
    GPTJForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    ModernBertModel,
    MT5Config,
    MT5ForConditionalGeneration,
    OPTConfig,
    OPTForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2MoeConfig,
    Qwen2MoeForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaModel,
    T5Config,
    T5ForConditionalGeneration,
)

VOCABULARY = 97

SIZES = dict(
    vocab_size=VOCABULARY,
    hidden_size=32,
    intermediate_size=44,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=128,
    attn_implementation="eager",
)
LLAMA3_ROPE = dict(
    rope_type="llama3",
    rope_theta=10000.0,
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=64,
)

CASES = {
    # 8 frequencies: one kept, two blended, five stretched.
    "llama": (LlamaForCausalLM, LlamaConfig(**SIZES, head_dim=16, rope_parameters=LLAMA3_ROPE), True),
    "llama-tied-biased": (
        LlamaForCausalLM,
        LlamaConfig(
            **SIZES,
            tie_word_embeddings=True,
            attention_bias=True,
            mlp_bias=True,
            hidden_act="gelu_pytorch_tanh",
            rope_parameters=dict(rope_type="linear", rope_theta=500.0, factor=4.0),
        ),
        False,
    ),
    "mistral": (MistralForCausalLM, MistralConfig(**SIZES, sliding_window=5), False),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(**SIZES, tie_word_embeddings=True), False),
    "qwen2-window": (
        Qwen2ForCausalLM,
        Qwen2Config(**SIZES, use_sliding_window=True, sliding_window=4, max_window_layers=1),
        False,
    ),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(**SIZES, head_dim=12), False),
    "gpt2": (
        GPT2LMHeadModel,
        GPT2Config(
            vocab_size=VOCABULARY,
            n_embd=32,
            n_inner=44,
            n_layer=2,
            n_head=4,
            n_positions=64,
            bos_token_id=0,
            eos_token_id=0,
            attn_implementation="eager",
        ),
        True,
    ),
}

EAGER = dict(vocab_size=61, bos_token_id=0, eos_token_id=0, attn_implementation="eager")
SMALL = dict(hidden_size=24, num_hidden_layers=2, **EAGER)

CASES |= {
    # 2 of 8 values of a head rotated.
    "gpt-neox": (
        GPTNeoXForCausalLM,
        GPTNeoXConfig(**SMALL, num_attention_heads=3, intermediate_size=40, max_position_embeddings=64),
        True,
    ),
    "gpt-neox-sequential": (
        GPTNeoXForCausalLM,
        GPTNeoXConfig(
            **SMALL,
            num_attention_heads=2,
            intermediate_size=40,
            max_position_embeddings=64,
            use_parallel_residual=False,
            attention_bias=False,
            tie_word_embeddings=True,
            hidden_act="gelu_fast",
            rope_parameters=dict(rope_type="linear", rope_theta=500.0, factor=4.0, partial_rotary_factor=0.5),
        ),
        False,
    ),
    "gptj": (GPTJForCausalLM, GPTJConfig(**EAGER, n_embd=24, n_layer=2, n_head=2, n_positions=64, rotary_dim=4), True),
    "gptj-tied": (
        GPTJForCausalLM,
        GPTJConfig(
            **EAGER,
            n_embd=24,
            n_layer=2,
            n_head=3,
            n_positions=64,
            rotary_dim=8,
            n_inner=40,
            tie_word_embeddings=True,
        ),
        False,
    ),
    "bloom": (BloomForCausalLM, BloomConfig(**EAGER, hidden_size=24, n_layer=2, n_head=3), True),
    "bloom-normed": (
        BloomForCausalLM,
        BloomConfig(
            **EAGER,
            hidden_size=24,
            n_layer=2,
            n_head=4,
            apply_residual_connection_post_layernorm=True,
            tie_word_embeddings=False,
        ),
        False,
    ),
    "falcon": (FalconForCausalLM, FalconConfig(**SMALL, num_attention_heads=3, ffn_hidden_size=40), True),
    # With ALiBi Transformers' eager attention adds it twice (in the mask, and again); its default, sdpa, does not.
    "falcon-rw": (
        FalconForCausalLM,
        FalconConfig(
            **{**SMALL, "attn_implementation": "sdpa"},
            num_attention_heads=6,
            alibi=True,
            multi_query=False,
            parallel_attn=False,
            bias=True,
            tie_word_embeddings=False,
        ),
        False,
    ),
    "falcon-new": (
        FalconForCausalLM,
        FalconConfig(
            **SMALL, num_attention_heads=6, num_kv_heads=2, ffn_hidden_size=40, new_decoder_architecture=True
        ),
        False,
    ),
    "falcon-11b": (
        FalconForCausalLM,
        FalconConfig(
            **SMALL,
            num_attention_heads=6,
            num_kv_heads=3,
            ffn_hidden_size=40,
            new_decoder_architecture=True,
            num_ln_in_parallel_attn=1,
            tie_word_embeddings=False,
        ),
        False,
    ),
}

ENCODER = dict(
    vocab_size=61,
    hidden_size=24,
    num_hidden_layers=2,
    num_attention_heads=3,
    intermediate_size=40,
    attn_implementation="eager",
)

CASES |= {
    "bert": (BertForMaskedLM, BertConfig(**ENCODER, max_position_embeddings=32), True),
    "bert-pretraining": (
        BertForPreTraining,
        BertConfig(**{**ENCODER, "num_attention_heads": 2}, max_position_embeddings=20, hidden_act="gelu_new"),
        False,
    ),
    "roberta": (RobertaForMaskedLM, RobertaConfig(**ENCODER, max_position_embeddings=34, type_vocab_size=1), True),
}

MODERN = dict(**ENCODER, max_position_embeddings=32, local_attention=6, pad_token_id=None, cls_token_id=2, sep_token_id=1)

CASES |= {
    # The second layer has the window.
    "modernbert": (ModernBertForMaskedLM, ModernBertConfig(**MODERN, bos_token_id=None, eos_token_id=None), True),
    "modernbert-biased": (
        ModernBertForMaskedLM,
        ModernBertConfig(
            **{**MODERN, "num_attention_heads": 2},
            bos_token_id=None,
            eos_token_id=None,
            norm_bias=True,
            attention_bias=True,
            mlp_bias=True,
            classifier_bias=True,
            decoder_bias=False,
            layer_types=["sliding_attention", "full_attention"],
            rope_parameters=dict(
                full_attention=dict(rope_type="default", rope_theta=500.0),
                sliding_attention=dict(rope_type="linear", rope_theta=100.0, factor=2.0),
            ),
        ),
        False,
    ),
}

CASES |= {
    # Both sequences are longer than the original context.
    "phi3": (
        Phi3ForCausalLM,
        Phi3Config(
            **SMALL,
            pad_token_id=0,
            num_attention_heads=3,
            num_key_value_heads=1,
            intermediate_size=40,
            max_position_embeddings=64,
            original_max_position_embeddings=8,
            rope_parameters=dict(
                rope_type="longrope",
                rope_theta=10000.0,
                short_factor=[1.0, 1.2, 1.5, 2.0],
                long_factor=[1.5, 2.0, 4.0, 8.0],
            ),
        ),
        True,
    ),
    "phi3-partial": (
        Phi3ForCausalLM,
        Phi3Config(
            **SMALL,
            pad_token_id=0,
            num_attention_heads=2,
            intermediate_size=40,
            max_position_embeddings=64,
            sliding_window=5,
            tie_word_embeddings=True,
            rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5),
        ),
        False,
    ),
    "opt": (
        OPTForCausalLM,
        OPTConfig(**SMALL, pad_token_id=1, num_attention_heads=3, ffn_dim=40, max_position_embeddings=32),
        True,
    ),
    "opt-350m": (
        OPTForCausalLM,
        OPTConfig(
            **SMALL,
            pad_token_id=1,
            num_attention_heads=2,
            ffn_dim=40,
            max_position_embeddings=32,
            word_embed_proj_dim=16,
            do_layer_norm_before=False,
            enable_bias=False,
        ),
        False,
    ),
    "gemma3-text": (
        Gemma3ForCausalLM,
        Gemma3TextConfig(
            **SMALL,
            pad_token_id=0,
            num_attention_heads=3,
            num_key_value_heads=1,
            head_dim=10,
            query_pre_attn_scalar=14,
            intermediate_size=40,
            max_position_embeddings=64,
            sliding_window=5,
            layer_types=["sliding_attention", "full_attention"],
            rope_parameters=dict(
                full_attention=dict(rope_type="linear", rope_theta=500.0, factor=4.0),
                sliding_attention=dict(rope_type="default", rope_theta=100.0),
            ),
        ),
        True,
    ),
}

GEMMA2 = dict(
    **SMALL,
    pad_token_id=0,
    head_dim=10,
    query_pre_attn_scalar=14,
    intermediate_size=40,
    max_position_embeddings=64,
    sliding_window=5,
)

CASES |= {
    # Both caps are small enough to bend many scores and logits.
    "gemma2": (
        Gemma2ForCausalLM,
        Gemma2Config(
            **GEMMA2,
            num_attention_heads=4,
            num_key_value_heads=2,
            attn_logit_softcapping=2.0,
            final_logit_softcapping=9.0,
        ),
        True,
    ),
    "gemma2-biased": (
        Gemma2ForCausalLM,
        Gemma2Config(
            **GEMMA2,
            num_attention_heads=3,
            num_key_value_heads=1,
            attention_bias=True,
            attn_logit_softcapping=1.5,
            final_logit_softcapping=None,
            layer_types=["full_attention", "sliding_attention"],
            rope_parameters=dict(rope_type="linear", rope_theta=500.0, factor=4.0),
        ),
        False,
    ),
}

EXPERTS = dict(
    **SMALL, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, experts_implementation="eager"
)

CASES |= {
    "mixtral": (
        MixtralForCausalLM,
        MixtralConfig(**EXPERTS, intermediate_size=20, num_local_experts=4, num_experts_per_tok=2, sliding_window=5),
        False,
    ),
    "qwen2-moe": (
        Qwen2MoeForCausalLM,
        Qwen2MoeConfig(
            **EXPERTS,
            intermediate_size=40,
            moe_intermediate_size=12,
            shared_expert_intermediate_size=20,
            num_experts=4,
            num_experts_per_tok=2,
        ),
        False,
    ),
    # The first block has no experts.
    "qwen3-moe": (
        Qwen3MoeForCausalLM,
        Qwen3MoeConfig(
            **EXPERTS,
            head_dim=8,
            intermediate_size=40,
            moe_intermediate_size=12,
            num_experts=5,
            num_experts_per_tok=3,
            norm_topk_prob=True,
            mlp_only_layers=[0],
            tie_word_embeddings=True,
        ),
        False,
    ),
}

# Encoders without a head: hidden states are compared.
BARE = {
    "bert-bare": (BertModel, BertConfig(**ENCODER, max_position_embeddings=20)),
    "modernbert-bare": (ModernBertModel, ModernBertConfig(**MODERN, bos_token_id=None, eos_token_id=None)),
    "roberta-bare": (RobertaModel, RobertaConfig(**ENCODER, max_position_embeddings=20, type_vocab_size=1)),
}

T5_SIZES = dict(
    vocab_size=61,
    d_model=24,
    d_kv=6,
    d_ff=40,
    num_layers=2,
    num_heads=3,
    decoder_start_token_id=0,
    relative_attention_num_buckets=8,
    relative_attention_max_distance=12,
    attn_implementation="eager",
)

# Encoder–decoders: class, config, whether the head is a matrix of its own, whether an adapter is made.
PAIRS = {
    "t5": (T5ForConditionalGeneration, T5Config(**T5_SIZES), False, True),
    # T5 v1.1 as the hub has it: tie_word_embeddings false in config.json.
    "t5-gated": (
        T5ForConditionalGeneration,
        T5Config(**T5_SIZES, num_decoder_layers=3, feed_forward_proj="gated-gelu", tie_word_embeddings=False),
        True,
        True,
    ),
    # Transformers 5 ties what it makes afresh, without the scale of T5.
    "t5-tied-gated": (
        T5ForConditionalGeneration,
        T5Config(**T5_SIZES, feed_forward_proj="gated-silu", tie_word_embeddings=False),
        False,
        False,
    ),
    "mt5": (MT5ForConditionalGeneration, MT5Config(**T5_SIZES), True, False),
}
