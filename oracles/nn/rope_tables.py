# SPDX-License-Identifier: Apache-2.0
"""Inverse frequencies of Transformers' rope types, and the cos/sin that Qwen2-VL's three-axis rope gives to each frequency."""
import json
from pathlib import Path

import torch
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLTextConfig
from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VLRotaryEmbedding

OUT = Path(__file__).resolve().parents[2] / "packages" / "nn" / "fixtures" / "rope.json"

SCALINGS = {
    "default": {"rope_type": "default"},
    "linear": {"rope_type": "linear", "factor": 4.0},
    "llama3": {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 256,
    },
}


def frequencies(name: str) -> list[float]:
    parameters = {"rope_theta": 10000.0, **SCALINGS[name]}
    config = LlamaConfig(
        hidden_size=64, num_attention_heads=2, head_dim=32, max_position_embeddings=2048, rope_parameters=parameters
    )
    if name == "default":
        return LlamaRotaryEmbedding(config).inv_freq.tolist()
    inverse, attention_factor = ROPE_INIT_FUNCTIONS[name](config, "cpu")
    assert attention_factor == 1.0
    return inverse.tolist()


def multimodal() -> dict:
    sections = [2, 3, 3]
    positions = torch.tensor([[0, 1, 5, 9], [0, 2, 6, 9], [0, 3, 7, 9]])
    parameters = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": sections}
    config = Qwen2VLTextConfig(hidden_size=32, num_attention_heads=2, rope_parameters=parameters)
    cos, sin = Qwen2VLRotaryEmbedding(config)(torch.zeros(1), positions[:, None, :])
    return {
        "sections": sections,
        "positions": positions.tolist(),
        "cos": cos[0, :, :8].flatten().tolist(),
        "sin": sin[0, :, :8].flatten().tolist(),
    }


OUT.write_text(json.dumps({"frequencies": {name: frequencies(name) for name in SCALINGS}, "multimodal": multimodal()}))
print("wrote", OUT)
