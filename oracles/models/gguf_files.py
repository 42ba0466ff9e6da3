# SPDX-License-Identifier: Apache-2.0
"""
GGUF files of packages/models: tiny models written by the gguf package as llama.cpp's converter writes them, with logits by
Transformers over the weights that the gguf package expands; and blocks of each format with what it expands them to, for
packages/quantization.
"""

import base64
import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T, GGUFWriter, TokenType
from gguf.quants import dequantize, quantize
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "packages/models/fixtures"
IDS = [5, 17, 200, 411, 3, 64, 98, 300, 12, 12, 7, 500]
COMMON = dict(
    vocab_size=512, hidden_size=64, intermediate_size=256, num_hidden_layers=1, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5, attn_implementation="eager",
)  # fmt: skip
NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
}  # fmt: skip
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=8192)  # fmt: skip
# name: config, kind in the file, name of the pre-tokenizer, types of linear layers, of ffn_down, of the embedding
CASES = {
    "llama": (LlamaConfig(**COMMON, tie_word_embeddings=True, rope_theta=500000.0, rope_scaling=LLAMA3),
              "llama", "llama-bpe", T.Q4_0, T.Q4_K, T.Q8_0),
    "mistral": (MistralConfig(**COMMON, head_dim=16, sliding_window=4, tie_word_embeddings=False),
                "llama", "smollm", T.Q4_1, T.Q5_K, T.F16),
    "qwen2": (Qwen2Config(**COMMON, tie_word_embeddings=True, rope_theta=1e6), "qwen2", "qwen2", T.Q5_0, T.Q6_K, T.Q4_0),
    "qwen3": (Qwen3Config(**COMMON, head_dim=32, tie_word_embeddings=False), "qwen3", "qwen2", T.BF16, T.Q8_0, T.Q5_1),
}  # fmt: skip
K_TYPES = (T.Q4_K, T.Q5_K, T.Q6_K)
HALVES = {T.Q4_K: (0, 2), T.Q5_K: (0, 2), T.Q6_K: (208,)}


def random_blocks(kind, count, random, largest):
    """Blocks of any bits, with scales of some size."""
    blocks = random.integers(0, 256, (count, GGML_QUANT_SIZES[kind][1]), dtype=np.uint8)
    for at in HALVES[kind]:
        halves = (random.uniform(-largest, largest, count)).astype(np.float16)
        blocks[:, at : at + 2] = halves.view(np.uint8).reshape(count, 2)
    return blocks


def packed(values, kind, random):
    if kind in K_TYPES:
        return random_blocks(kind, values.size // 256, random, 1e-4).reshape(values.shape[0], -1)
    return quantize(values, kind)


def paired(weight, heads):
    """The order of the converter for llama: the two rotary halves of each head in pairs."""
    rows = weight.shape[0]
    return weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def apart(weight, heads):
    rows = weight.shape[0]
    return weight.reshape(heads, rows // heads // 2, 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def gguf_name(name):
    whole = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    path, suffix = name.rsplit(".", 1)
    if path in whole:
        return f"{whole[path]}.{suffix}"
    _, _, layer, part = path.split(".", 3)
    return f"blk.{layer}.{NAMES[part]}.{suffix}"


def heads_of(name, config, kind):
    if kind != "llama":
        return None
    return {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(name.split(".")[-2])


def add_tokenizer(writer, pre):
    folder = ROOT / "examples/first-run/architecture"
    file = json.loads((folder / "tokenizer.json").read_text())
    template = json.loads((folder / "tokenizer_config.json").read_text())["chat_template"]
    vocab = sorted(file["model"]["vocab"].items(), key=lambda item: item[1])
    tokens = [token for token, _ in vocab]
    special = {token["content"] for token in file["added_tokens"]}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([TokenType.CONTROL if token in special else TokenType.NORMAL for token in tokens])
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in file["model"]["merges"]])
    writer.add_eos_token_id(tokens.index("<|end|>"))
    writer.add_pad_token_id(tokens.index("<|end|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(template)


def rope_factors(config):
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    dims = config.hidden_size // config.num_attention_heads
    plain = 1.0 / (500000.0 ** (torch.arange(0, dims, 2, dtype=torch.int64).float() / dims))
    return (plain / scaled).numpy()


def write(name, config, kind, pre, linear, down, embedding):
    torch.manual_seed(7)
    random = np.random.default_rng(7)
    config.initializer_range = 0.2
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.data += 0.1 * torch.randn_like(parameter)
    writer = GGUFWriter(OUT / f"{name}.gguf", kind)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if name == "qwen3":
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    if name == "mistral":
        writer.add_sliding_window(config.sliding_window)
    if name == "llama":
        writer.add_tensor("rope_freqs.weight", rope_factors(config))
    add_tokenizer(writer, pre)
    state = model.state_dict()
    expanded = {}
    for key, tensor in state.items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        values = tensor.numpy()
        heads = heads_of(key, config, kind)
        stored = paired(values, heads) if heads else values
        if values.ndim == 1:
            writer.add_tensor(gguf_name(key), stored)
            continue
        form = embedding if "embed" in key or key == "lm_head.weight" else down if "down_proj" in key else linear
        blocks = packed(stored, form, random)
        writer.add_tensor(gguf_name(key), blocks, raw_dtype=form)
        back = dequantize(blocks, form)
        expanded[key] = torch.from_numpy(apart(back, heads) if heads else back)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    model.load_state_dict(expanded, strict=False)
    logits = logits_of(model)
    # Transformers reads mistral as a llama without the window, llama without its scaling of rotary positions, and of
    # qwen3 no head size; all but qwen2 rest on the weights that gguf expands.
    if name == "qwen2":
        again = AutoModelForCausalLM.from_pretrained(OUT, gguf_file=f"{name}.gguf", dtype=torch.float32,
                                                     attn_implementation="eager").eval()  # fmt: skip
        assert torch.allclose(logits_of(again), logits, atol=1e-4), name
    return logits[-1].tolist()


def logits_of(model):
    with torch.no_grad():
        return model(torch.tensor([IDS])).logits[0]


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def block_cases():
    random = np.random.default_rng(3)
    values = (random.standard_normal((4, 256)) * 0.05).astype(np.float32)
    values[1, 32:64] = 0
    values[2, 5] = 77.0
    values[3] = -np.abs(values[3])
    cases = {}
    for kind in (T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1):
        blocks = quantize(values, kind)
        cases[kind.name.lower()] = {"blocks": encoded(blocks), "expanded": digest(dequantize(blocks, kind))}
    for kind in K_TYPES:
        blocks = random_blocks(kind, 4, random, 0.02)
        cases[kind.name.lower()] = {"blocks": encoded(blocks), "expanded": digest(dequantize(blocks, kind))}
    return {"values": encoded(values), "formats": cases}


def encoded(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def main():
    source = {name: version(name) for name in ("gguf", "transformers", "torch", "numpy")}
    logits = {name: write(name, *case) for name, case in CASES.items()}
    (OUT / "gguf-logits.json").write_text(json.dumps({"source": source, "ids": IDS, "logits": logits}) + "\n")
    folder = ROOT / "packages/quantization/fixtures"
    (folder / "gguf.json").write_text(json.dumps({"source": source, **block_cases()}, indent=1) + "\n")


main()
