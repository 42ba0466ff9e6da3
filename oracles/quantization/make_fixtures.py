# SPDX-License-Identifier: Apache-2.0
"""
Fixtures of packages/quantization: bitsandbytes itself on random and hostile matrices. Scales are quantized again by the
published definition in NumPy (nearest dynamic value, mean in float64): the CPU code of bitsandbytes rounds a value within
1e-5 of a midpoint to either side, and its mean depends on the order of its sum.
"""

import base64
import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import bitsandbytes.functional as F
import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
torch.manual_seed(0)


def outlier():
    x = torch.randn(6, 70) * 0.02
    x[3, 5] = 900.0
    return x


def spread(rows, columns):
    """Values that the test computes too: the upper half of i · 2654435761, as −1 … 1."""
    i = np.arange(rows * columns, dtype=np.uint64) * 2654435761 % 2**32
    return torch.from_numpy(((i // 65536) / 32768 - 1).astype(np.float32).reshape(rows, columns))


MATRICES = {
    "normal": torch.randn(16, 128) * 0.02,
    "sizes that blocks do not divide": torch.randn(5, 37),
    "one outlier": outlier(),
    "zeros": torch.zeros(4, 64),
    "a row of zeros": torch.cat([torch.zeros(1, 96), torch.randn(2, 96)]),
    "denormals": torch.randn(3, 64) * 1e-40,
    "one element": torch.tensor([[-0.3]]),
    "more scales than a block": spread(130, 130),
}


def encoded(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def nested(scales):
    book = F.create_dynamic_map().numpy()
    mean = np.float32(scales.astype(np.float64).sum() / len(scales))
    rest = (scales - mean).astype(np.float32)
    codes, most = np.zeros(len(scales), np.uint8), []
    for start in range(0, len(rest), 256):
        block = rest[start : start + 256]
        largest = np.abs(block).max()
        most.append(largest)
        wanted = block / largest if largest > 0 else block * 0
        codes[start : start + 256] = np.abs(wanted[:, None] - book[None]).argmin(1)
    most = np.array(most, np.float32)
    back = (book[codes] * np.repeat(most, 256)[: len(codes)] + mean).astype(np.float32)
    return codes, most, mean, back


def expanded(x, codes, scales, kind):
    """By the definition: the CPU code of bitsandbytes takes other scales where a row ends within a block."""
    book, nibbles = F.get_4bit_type(kind, device="cpu").numpy(), codes.numpy().reshape(-1)
    values = book[np.stack([nibbles >> 4, nibbles & 15], 1).reshape(-1)][: x.numel()]
    return (values * np.repeat(scales, 64)[: x.numel()]).astype(np.float32)


def four_bit(x, kind):
    codes, state = F.quantize_4bit(x, blocksize=64, quant_type=kind)
    scales = state.absmax.numpy().copy()
    scale_codes, most, mean, back = nested(scales)
    if x.shape[1] % 64 == 0:
        for of in (scales, back):
            state.absmax = torch.from_numpy(of)
            assert np.array_equal(F.dequantize_4bit(codes, state).numpy().reshape(-1), expanded(x, codes, of, kind))
    return {
        "codes": digest(codes.numpy()),
        "scales": digest(scales),
        "expanded": digest(expanded(x, codes, scales, kind)),
        "scaleCodes": digest(scale_codes),
        "nestedScales": digest(most),
        "scaleOffset": digest(np.array([mean])),
        "expandedNested": digest(expanded(x, codes, back, kind)),
    }


def eight_bit(x):
    codes, scales, _ = F.int8_vectorwise_quant(x)
    return {
        "codes": digest(codes.numpy()),
        "scales": digest(scales.numpy()),
        "expanded": digest(torch.ops.bitsandbytes.int8_vectorwise_dequant(codes, scales).numpy()),
    }


def main():
    cases = {
        name: {
            "shape": list(x.shape),
            "values": None if name == "more scales than a block" else encoded(x.numpy()),
            "nf4": four_bit(x, "nf4"),
            "fp4": four_bit(x, "fp4"),
            "int8": eight_bit(x),
        }
        for name, x in MATRICES.items()
    }
    fixture = {
        "source": {name: version(name) for name in ("bitsandbytes", "torch", "numpy")},
        "dynamicBook": digest(F.create_dynamic_map().numpy()),
        "cases": cases,
    }
    folder = ROOT / "packages/quantization/fixtures"
    folder.mkdir(exist_ok=True)
    (folder / "bitsandbytes.json").write_text(json.dumps(fixture, indent=1) + "\n")


main()
