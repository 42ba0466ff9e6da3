# SPDX-License-Identifier: Apache-2.0
"""LoRA adapters that PEFT writes for the tiny Qwen2-VL, Qwen2.5-VL and Qwen3-VL, and what it computes with them.

    python oracles/vision/peft_adapters.py [model …]      (after tiny_models.py; versions: oracles/requirements.txt)

Writes packages/vision/fixtures/<model>/adapters.json: the paths of all modules in Transformers, and for each choice of
targets adapter_config.json, the tensors (f32, base64), and logits of the last token of the oracle's first row, with its
two pictures.
"""

import base64
import json
import sys
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText
from tiny_models import FIXTURES, IMAGE, patch_count, pixels

TARGETS = {
    "attention of the language half": r".*language_model.*\.(q_proj|v_proj)",
    "all of the language half": r".*language_model.*_proj",
    "all linear layers, tower and merger too": "all-linear",
    "the merger": [f"merger.mlp.{i}" for i in (0, 2)],
}
QWEN3_TARGETS = {name: targets for name, targets in TARGETS.items() if name != "the merger"} | {
    "the merger of Qwen3-VL": [f"merger.linear_fc{i}" for i in (1, 2)],
}


def first_row(folder: Path) -> dict:
    row = json.loads((folder / "oracle.json").read_text())["rows"][0]
    return dict(
        input_ids=torch.tensor([row["ids"]]),
        mm_token_type_ids=torch.tensor([[int(i == IMAGE) for i in row["ids"]]], dtype=torch.int32),
        pixel_values=pixels(patch_count(row["images"]), 96, 0),
        image_grid_thw=torch.tensor(row["images"]),
        use_cache=False,
    )


def load(folder: Path):
    return AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()


def packed(tensor: torch.Tensor) -> dict:
    data = base64.b64encode(tensor.to(torch.float32).contiguous().numpy().tobytes()).decode()
    return {"shape": list(tensor.shape), "data": data}


def case(folder: Path, targets) -> dict:
    model = get_peft_model(load(folder), LoraConfig(r=1, lora_alpha=3, target_modules=targets, task_type="CAUSAL_LM"))
    generator = torch.Generator().manual_seed(13)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    with tempfile.TemporaryDirectory() as out:
        model.save_pretrained(out)
        again = PeftModel.from_pretrained(load(folder), out).eval()
        with torch.no_grad():
            logits = again(**first_row(folder)).logits[0, -1]
        config = json.loads((Path(out) / "adapter_config.json").read_text())
        tensors = load_file(Path(out) / "adapter_model.safetensors")
    if isinstance(config["target_modules"], list):
        config["target_modules"] = sorted(config["target_modules"])
    return {"config": config, "tensors": {k: packed(v) for k, v in tensors.items()}, "logits": logits.tolist()}


def main() -> None:
    for name in sys.argv[1:] or ("qwen2_vl", "qwen2_5_vl", "qwen3_vl"):
        folder = FIXTURES / name
        modules = [path for path, _ in load(folder).named_modules() if path]
        cases = {label: case(folder, targets) for label, targets in (QWEN3_TARGETS if name == "qwen3_vl" else TARGETS).items()}
        text = json.dumps({"versions": "transformers 5.18.0, peft 0.21.0", "modules": modules, "cases": cases})
        (folder / "adapters.json").write_text(text + "\n")
        print(name, len(modules), "modules,", f"{len(text) / 1024:.0f} kB", [len(c["tensors"]) for c in cases.values()])


if __name__ == "__main__":
    main()
