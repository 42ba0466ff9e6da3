# SPDX-License-Identifier: Apache-2.0
"""What every peer script does alike: its options, the rows it reads, the model of a config, and the line it prints."""

import argparse
import hashlib
import json
import resource
from pathlib import Path


def parser_of(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", help="token ids, one JSON object per line")
    parser.add_argument("--model", required=True, help="config.json of the architecture; weights are random")
    parser.add_argument("--dtype", choices=["bf16", "fp32"], default="bf16")
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    return parser


def read_rows(path):
    """The rows, and the hash that all systems of a comparison must agree on."""
    content = Path(path).read_bytes()
    return [json.loads(line) for line in content.decode().splitlines()], hashlib.sha256(content).hexdigest()[:16]


def random_model(config_path, dtype, **options):
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(**json.loads(Path(config_path).read_text()))
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config, dtype=dtype, **options)


def quantized_model(folder, dtype, quantization):
    """The folder's model with its linear layers as bitsandbytes quantizes them; "nf4" and "int8"."""
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    settings = {
        "nf4": dict(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype),
        "int8": dict(load_in_8bit=True),
    }[quantization]
    config = BitsAndBytesConfig(**settings)
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, quantization_config=config, device_map="cpu")


def trained_hash(trained):
    """Of the token ids that the loss was computed on, one list per sequence, in any order of the sequences."""
    lines = sorted(",".join(map(str, ids)) for ids in trained)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def report(**measured):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({**measured, "peakMemoryBytes": peak}))
