# SPDX-License-Identifier: Apache-2.0
"""Does Transformers load the model folders, and PEFT the adapter folders, that llmf saved?

    npm run build
    node oracles/models/save_fixtures.mjs OUT
    python oracles/models/check_saved.py OUT      (versions: oracles/requirements.txt)

Every folder must load without a missing or unexpected weight and give the logits of the original fixture: exactly
where the dtype is the same, within the rounding of the weights in bf16. Exits 1 otherwise.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from make_fixtures import logits_of, pair_logits
from peft import PeftModel
from safetensors.torch import load_file

FIXTURES = Path("packages/models/fixtures")


def load(folder):
    config = json.loads((folder / "config.json").read_text())
    factory = getattr(transformers, config["architectures"][0])
    how = {"attn_implementation": "sdpa" if "falcon-rw" in str(folder) else "eager"}  # as in cases.py
    if "num_experts_per_tok" in config:
        how["experts_implementation"] = "eager"
    model, info = factory.from_pretrained(folder, dtype="auto", output_loading_info=True, **how)
    problems = {key: value for key, value in info.items() if value}
    assert not problems, f"{folder}: {problems}"
    return model.eval()


def logits(model, expected):
    with torch.no_grad():
        if "source.0" in expected:
            return pair_logits(model, expected["source.0"].long(), expected["ids.0"].long()).float()
        return logits_of(model, expected["ids.0"].long()).float()


def main(out):
    checked = 0
    for file in sorted(FIXTURES.glob("*/expected*.safetensors")):
        case, expected = file.parent, load_file(file)
        reference = expected["logits.0"]
        for form, limit in (("auto", 0.0), ("sharded", 0.0), ("bf16", 0.1)):
            model = load(out / case.name / form)
            assert model.dtype == (torch.bfloat16 if form == "bf16" else torch.float32), model.dtype
            difference = (logits(model, expected) - reference).abs().max().item() / reference.abs().max().item()
            assert difference <= limit, f"{case.name} {form}: {difference}"
            print(f"{case.name:20} {form:8} relative difference of logits {difference:.2e}")
            checked += 1
        if (out / case.name / "adapter").exists():
            adapted = PeftModel.from_pretrained(load(case), out / case.name / "adapter").eval()
            difference = (logits(adapted, expected) - expected["adapter.logits.0"]).abs().max().item()
            assert difference == 0, f"{case.name} adapter: {difference}"
            print(f"{case.name:20} adapter  difference of logits {difference:.2e}")
            checked += 1
    assert checked == 116, checked
    print(f"{checked} folders load as they should")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
