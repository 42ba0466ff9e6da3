# SPDX-License-Identifier: Apache-2.0
"""
8-bit optimizer states: bitsandbytes' code books, its block-wise quantization on hostile values, and a trajectory of AdamW
and Lion by its own implementation in plain PyTorch (the one its Triton kernels are held to; Triton itself is not needed).
"""

import base64
import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path
from unittest.mock import MagicMock

import bitsandbytes.functional as F
import numpy as np
import torch

torch.compile = lambda function: function
sys.modules.update({name: MagicMock() for name in ("triton", "triton.language")})

from bitsandbytes.backends.triton.kernels_optim import optimizer_update_8bit_blockwise_pytorch as update  # noqa: E402

OUT = Path(__file__).resolve().parents[2] / "packages/training/fixtures/eight-bit.json"
BLOCK = 256
SHAPE = (61, 70)  # 4270: above 4096, the last block short
STEPS = 12
torch.manual_seed(0)


def encoded(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def spread(count, seed):
    """Values that the test computes too: the upper half of i · 2654435761, as −1 … 1, i from `seed` on."""
    i = np.arange(seed, seed + count, dtype=np.uint64) * 2654435761 % 2**32
    return ((i // 65536) / 32768 - 1).astype(np.float32)


def quantized(values, book):
    """By the definition: the nearest value, the lower one of two."""
    codes, scales = np.zeros(len(values), np.uint8), []
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        most = np.abs(block).max()
        scales.append(most)
        wanted = block / most if most > 0 else block * 0
        codes[start : start + BLOCK] = np.abs(wanted[:, None] - book[None]).argmin(1)
    return codes, np.array(scales, np.float32)


def agrees(values, book, codes):
    """bitsandbytes' CPU code takes a value that is at most 1e-4 farther."""
    theirs, state = F.quantize_blockwise(torch.from_numpy(values), code=torch.from_numpy(book), blocksize=BLOCK)
    differ = theirs.numpy() != codes
    scales = np.repeat(state.absmax.numpy(), BLOCK)[: len(values)]
    wanted = values[differ] / scales[differ]
    distance = np.abs(np.abs(wanted - book[theirs.numpy()[differ]]) - np.abs(wanted - book[codes[differ]]))
    return (distance < 1e-4).all()


def quantization_cases():
    hostile = np.concatenate([spread(700, 1) * 1e-3, np.zeros(256, np.float32), spread(300, 9) * 1e-30, [5.0]])
    values = {"signed": hostile.astype(np.float32), "unsigned": np.abs(hostile).astype(np.float32) ** 2}
    cases = {}
    for name, signed in (("signed", True), ("unsigned", False)):
        book = F.create_dynamic_map(signed=signed).numpy()
        codes, scales = quantized(values[name], book)
        assert agrees(values[name], book, codes), name
        cases[name] = {
            "book": digest(book), "values": encoded(values[name]), "codes": digest(codes), "scales": digest(scales),
        }  # fmt: skip
    return cases


def trajectory(kind, betas, decay):
    size = SHAPE[0] * SHAPE[1]
    p = torch.from_numpy(spread(size, 0).copy()).reshape(SHAPE)
    books = [F.create_dynamic_map(signed=True), F.create_dynamic_map(signed=False)]
    blocks = -(-size // BLOCK)
    states = [torch.full((size,), int(torch.argmin(book.abs())), dtype=torch.uint8).reshape(SHAPE) for book in books]
    scales = [torch.zeros(blocks), torch.zeros(blocks)]
    for step in range(1, STEPS + 1):
        g = torch.from_numpy(spread(size, 1000 * step) * 0.01).reshape(SHAPE)
        two = kind == "adam"
        update(p, g, states[0], states[1] if two else None, *betas, 0.0, 0.0, 1e-8, step, 1e-2, books[0],
               books[1] if two else None, scales[0], scales[1] if two else None, decay, 1.0, False,
               optimizer_name=kind)  # fmt: skip
    return encoded(p.numpy())


OUT.write_text(json.dumps({
    "source": {name: version(name) for name in ("bitsandbytes", "torch", "numpy")},
    "quantization": quantization_cases(),
    "shape": SHAPE,
    "steps": STEPS,
    "adamw8bit": trajectory("adam", (0.9, 0.999), 0.1),
    "lion8bit": trajectory("lion", (0.9, 0.99), 0.1),
}) + "\n")
print("wrote", OUT)
