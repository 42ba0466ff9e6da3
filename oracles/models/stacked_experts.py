# SPDX-License-Identifier: Apache-2.0
"""LoRA on the experts of the tiny mixtures as PEFT 0.21 writes it beside Transformers 5.18: on stacked parameters.

    python oracles/models/stacked_experts.py      (versions: oracles/requirements.txt)

Writes packages/models/expert-fixtures/<model>/: adapter_config.json, adapter_model.safetensors, and logits.safetensors (of
ids.0 of the model's own fixture). "all-linear" is what PEFT makes of the names of all layers: with twice the rank for gate
and up, which are one parameter. The other case names one stacked parameter alone.
"""

import json
import shutil
from pathlib import Path

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

FIXTURES, OUT = Path("packages/models/fixtures"), Path("packages/models/expert-fixtures")
CASES = {
    "mixtral": ("mixtral", dict(target_modules="all-linear", r=3, lora_alpha=6)),
    "qwen3-moe": ("qwen3-moe", dict(target_modules="all-linear", r=2, lora_alpha=5, use_rslora=True)),
    "qwen2-moe-down": (
        "qwen2-moe",
        dict(target_modules=["q_proj"], target_parameters=["mlp.experts.down_proj"], r=2, lora_alpha=6),
    ),
}


def load(name):
    config = json.loads((FIXTURES / name / "config.json").read_text())
    factory = getattr(transformers, config["architectures"][0])
    how = dict(attn_implementation="eager", experts_implementation="eager")
    return factory.from_pretrained(FIXTURES / name, dtype=torch.float32, **how).eval()


def main():
    for case, (name, settings) in CASES.items():
        model = get_peft_model(load(name), LoraConfig(task_type="CAUSAL_LM", **settings)).eval()
        generator = torch.Generator().manual_seed(17)
        with torch.no_grad():
            for _, parameter in model.named_parameters():
                if parameter.requires_grad:
                    parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
        folder = OUT / case
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        (folder / "README.md").unlink()
        ids = load_file(FIXTURES / name / "expected.safetensors")["ids.0"].long()
        again = PeftModel.from_pretrained(load(name), folder).eval()
        with torch.no_grad():
            logits, read = model(ids[None]).logits[0], again(ids[None]).logits[0]
        assert torch.equal(logits, read), (case, (logits - read).abs().max())
        save_file({"logits": logits.contiguous()}, folder / "logits.safetensors")
        config = json.loads((folder / "adapter_config.json").read_text())
        print(case, {key: config[key] for key in ("target_modules", "target_parameters", "rank_pattern", "alpha_pattern")})


if __name__ == "__main__":
    main()
