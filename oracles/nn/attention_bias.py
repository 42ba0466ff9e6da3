# SPDX-License-Identifier: Apache-2.0
"""What BLOOM, Falcon and T5 add to attention scores: ALiBi's biases and the buckets of relative distances."""
import json
from pathlib import Path

import torch
import transformers
from transformers.models.bloom.modeling_bloom import build_alibi_tensor as bloom
from transformers.models.falcon.modeling_falcon import build_alibi_tensor as falcon
from transformers.models.t5.modeling_t5 import T5Attention

OUT = Path(__file__).resolve().parents[2] / "packages" / "nn" / "fixtures" / "attention-bias.json"

HEADS = [1, 4, 6, 12, 16]
KEYS = [0, 1, 2, 77, 500, 1023]
BUCKETS = [
    {"buckets": 32, "maxDistance": 128, "bidirectional": True},
    {"buckets": 32, "maxDistance": 128, "bidirectional": False},
    {"buckets": 14, "maxDistance": 50, "bidirectional": True},
]


def biases(build) -> dict:
    mask = torch.ones(1, 1024, dtype=torch.int64)
    return {heads: build(mask, heads, torch.float32)[:, 0, KEYS].tolist() for heads in HEADS}


def buckets(case: dict) -> list[int]:
    distances = torch.arange(-300, 301)
    return T5Attention._relative_position_bucket(
        distances, case["bidirectional"], case["buckets"], case["maxDistance"]
    ).tolist()


OUT.write_text(
    json.dumps(
        {
            "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
            "keys": KEYS,
            "bloom": biases(bloom),
            "falcon": biases(falcon),
            "buckets": [{**case, "firstDistance": -300, "expected": buckets(case)} for case in BUCKETS],
        }
    )
    + "\n"
)
print("wrote", OUT)
