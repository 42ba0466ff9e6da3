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


YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
LONGROPE = {
    "rope_type": "longrope",
    "short_factor": [1 + 0.1 * i for i in range(16)],
    "long_factor": [2 + 0.5 * i for i in range(16)],
    "original_max_position_embeddings": 64,
}
# Parameters, and the length of the sequence where it decides; the context is 256.
SCALED = {
    "linear": (SCALINGS["linear"], None),
    "llama3": (SCALINGS["llama3"] | {"original_max_position_embeddings": 64}, None),
    "dynamic, within the context": ({"rope_type": "dynamic", "factor": 4.0}, 200),
    "dynamic, beyond it": ({"rope_type": "dynamic", "factor": 4.0}, 700),
    "yarn": (YARN, None),
    "yarn, ramp not at whole numbers": (YARN | {"truncate": False}, None),
    "yarn, own turns": (YARN | {"beta_fast": 16.0, "beta_slow": 2.0}, None),
    "yarn, own attention factor": (YARN | {"attention_factor": 1.25}, None),
    "yarn, scales of the logarithm": (YARN | {"mscale": 0.707, "mscale_all_dim": 1.1}, None),
    "longrope, short": (LONGROPE, 64),
    "longrope, long": (LONGROPE, 65),
    "longrope, own factor": (LONGROPE | {"factor": 32.0}, 65),
    "longrope, own attention factor": (LONGROPE | {"attention_factor": 1.5}, 65),
    "half of the head": (YARN | {"partial_rotary_factor": 0.5}, None),
}


def scaled(parameters: dict, length: int | None) -> dict:
    """As a config of a Llama with heads of 32 has them."""
    config = LlamaConfig(
        hidden_size=64,
        num_attention_heads=2,
        head_dim=32,
        max_position_embeddings=256,
        rope_parameters={"rope_theta": 500.0, **parameters},
    )
    inverse, magnitude = ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config, "cpu", seq_len=length)
    return {"parameters": parameters, "length": length, "frequencies": inverse.tolist(), "magnitude": magnitude}


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


values = {
    "frequencies": {name: frequencies(name) for name in SCALINGS},
    "scaled": {name: scaled(*case) for name, case in SCALED.items()},
    "multimodal": multimodal(),
}
OUT.write_text(json.dumps(values))
print("wrote", OUT)
