# SPDX-License-Identifier: Apache-2.0
"""
Two LoRAs on the tiny llama of packages/models/fixtures, and what PEFT's add_weighted_adapter makes of them, for
packages/adapters/combined-fixtures:
  one/…, two/…             folders as save_pretrained writes them
  expected.safetensors     ids [T], logits.<combination> [T, V]

usage: python combined.py
"""
import json
import shutil
from pathlib import Path

import peft
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

ROOT = Path(__file__).resolve().parents[2] / "packages"
OUT = ROOT / "adapters" / "combined-fixtures"
WEIGHTS = [0.7, -0.4]
CASES = {"cat": {}, "linear": {}, "svd": {}, "svd-1": {"svd_rank": 1}}


def base():
    return AutoModelForCausalLM.from_pretrained(ROOT / "models" / "fixtures" / "llama", dtype=torch.float32)


def save(name, config, seed):
    torch.manual_seed(seed)
    model = get_peft_model(base(), config)
    for key, parameter in model.named_parameters():
        if "lora_" in key:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(OUT / name)
    (OUT / name / "README.md").unlink(missing_ok=True)
    file = OUT / name / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "base_model_name_or_path": "llama"}, indent=2) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    shutil.rmtree(OUT, ignore_errors=True)
    common = dict(task_type="CAUSAL_LM", r=2)
    save("one", LoraConfig(**common, lora_alpha=4, target_modules=["q_proj", "down_proj"]), 3)
    save("two", LoraConfig(**common, lora_alpha=3, use_rslora=True, target_modules=["q_proj", "v_proj"]), 4)
    torch.manual_seed(5)
    ids = torch.randint(3, 90, (9,))
    expected = {"ids": ids.to(torch.int32)}
    for case, more in CASES.items():
        model = PeftModel.from_pretrained(base(), OUT / "one", adapter_name="one")
        model.load_adapter(OUT / "two", adapter_name="two")
        model.add_weighted_adapter(["one", "two"], WEIGHTS, "both", combination_type=case.split("-")[0], **more)
        model.set_adapter("both")
        with torch.no_grad():
            expected[f"logits.{case}"] = model.eval()(input_ids=ids[None]).logits[0].contiguous()
    with torch.no_grad():
        expected["logits.base"] = base().eval()(input_ids=ids[None]).logits[0].contiguous()
    save_file(expected, OUT / "expected.safetensors")
    (OUT / "versions.json").write_text(json.dumps({"peft": peft.__version__, "torch": torch.__version__}) + "\n")
    print({key: tuple(value.shape) for key, value in expected.items()})
