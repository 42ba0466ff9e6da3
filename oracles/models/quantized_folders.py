# SPDX-License-Identifier: Apache-2.0
"""
Quantized folders of packages/models: a tiny llama as Transformers and bitsandbytes save it in 4 and 8 bits, and as GPTQ and
AWQ folders packed here from their published definitions; beside each the digest of every weight that is expanded.
"""

import hashlib
import json
import shutil
from importlib.metadata import version
from pathlib import Path

import bitsandbytes.functional as F
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "packages/models/fixtures-quantized"
CONFIG = LlamaConfig(
    vocab_size=96, hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=False, initializer_range=0.2,
)  # fmt: skip
IDS = [5, 17, 80, 41, 3, 64, 90, 30]
GROUP = 32


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array, np.float32).tobytes()).hexdigest()


def linear_names(model):
    return [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear) and name != "lm_head"]


def plain_model():
    torch.manual_seed(1)
    return AutoModelForCausalLM.from_config(CONFIG, dtype=torch.float16).eval()


def with_bitsandbytes(source, name, **settings):
    folder = OUT / name
    model = AutoModelForCausalLM.from_pretrained(source, quantization_config=BitsAndBytesConfig(**settings), dtype=torch.float16)
    model.save_pretrained(folder)
    stored = load_file(folder / "model.safetensors")
    expanded = {}
    for path, module in model.named_modules():
        if hasattr(module, "weight") and type(module).__name__ == "Linear4bit":
            state = module.weight.quant_state
            absmax = state.absmax
            if state.nested:
                absmax = F.dequantize_blockwise(absmax, state.state2) + state.offset
            book, codes = state.code.numpy(), module.weight.data.numpy().reshape(-1)
            values = book[np.stack([codes >> 4, codes & 15], 1).reshape(-1)]
            expanded[path] = (values * np.repeat(absmax.float().numpy(), state.blocksize)[: values.size]).astype(np.float32)
        if type(module).__name__ == "Linear8bitLt":
            codes, scales = stored[f"{path}.weight"], stored[f"{path}.SCB"]
            expanded[path] = torch.ops.bitsandbytes.int8_vectorwise_dequant(codes, scales).numpy()
    assert len(expanded) == 7, name
    return {path: digest(values) for path, values in expanded.items()}


def words(codes, order):
    """[…, 8n] codes of 4 bits as […, n] int32."""
    eights = codes.reshape(*codes.shape[:-1], -1, 8).astype(np.uint32)
    packed = np.zeros(eights.shape[:-1], np.uint32)
    for column in range(8):
        packed |= eights[..., column] << np.uint32(4 * order[column])
    return torch.from_numpy(packed.view(np.int32).copy())


def grouped(weight, groups):
    """Codes, zeros and scales [groups, outputs] of a weight [outputs, inputs]; groups: of each input."""
    count = groups.max() + 1
    outputs, inputs = weight.shape
    scales, zeros = np.zeros((count, outputs), np.float16), np.zeros((count, outputs), np.int64)
    codes = np.zeros((inputs, outputs), np.int64)
    for group in range(count):
        block = weight[:, groups == group]
        least, most = np.minimum(block.min(1), 0), np.maximum(block.max(1), 0)
        scale = ((most - least) / 15).astype(np.float16)
        zero = np.clip(np.round(-least / scale.astype(np.float32)), 1, 15)
        scales[group], zeros[group] = scale, zero
        codes[groups == group] = np.clip(np.round(block / scale[:, None].astype(np.float32)) + zero[:, None], 0, 15).T
    expanded = (codes - zeros[groups]) * scales[groups].astype(np.float32)
    return codes, zeros, scales, expanded.T


def with_groups(name, method, **settings):
    folder = OUT / name
    model = plain_model()
    state = {key: value.contiguous() for key, value in model.state_dict().items()}
    digests = {}
    random = np.random.default_rng(5)
    for path in linear_names(model):
        weight = state.pop(f"{path}.weight").float().numpy()
        groups = np.arange(weight.shape[1]) // GROUP
        if settings.get("desc_act"):
            groups = random.permutation(groups)
        codes, zeros, scales, expanded = grouped(weight, groups)
        if method == "gptq":
            offset = 1 if settings["checkpoint_format"] == "gptq" else 0
            state[f"{path}.qweight"] = words(codes.T, range(8)).T.contiguous()
            state[f"{path}.qzeros"] = words(zeros - offset, range(8))
            state[f"{path}.g_idx"] = torch.from_numpy(groups.astype(np.int32))
        else:
            order = [0, 4, 1, 5, 2, 6, 3, 7]
            state[f"{path}.qweight"], state[f"{path}.qzeros"] = words(codes, order), words(zeros, order)
        state[f"{path}.scales"] = torch.from_numpy(scales)
        digests[path] = digest(expanded)
    folder.mkdir()
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    config = {**CONFIG.to_dict(), "quantization_config": {"quant_method": method, "bits": 4, "group_size": GROUP, **settings}}
    config["architectures"] = ["LlamaForCausalLM"]
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    return digests


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    source = OUT / "plain"
    plain_model().save_pretrained(source)
    expected = {
        "nf4": with_bitsandbytes(source, "nf4", load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True),
        "fp4": with_bitsandbytes(source, "fp4", load_in_4bit=True, bnb_4bit_quant_type="fp4"),
        "int8": with_bitsandbytes(source, "int8", load_in_8bit=True),
        "gptq": with_groups("gptq", "gptq", checkpoint_format="gptq", desc_act=False),
        "gptq-act-order": with_groups("gptq-act-order", "gptq", checkpoint_format="gptq_v2", desc_act=True),
        "awq": with_groups("awq", "awq", version="gemm", zero_point=True),
    }
    shutil.rmtree(source)
    for file in OUT.glob("*/generation_config.json"):
        file.unlink()
    names = ("transformers", "bitsandbytes", "torch", "numpy")
    (OUT / "expanded.json").write_text(json.dumps({"source": {name: version(name) for name in names}, "weights": expected}, indent=1) + "\n")


main()
