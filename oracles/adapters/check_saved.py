# SPDX-License-Identifier: Apache-2.0
"""
Loads adapters that llmf saved with PEFT and compares logits: for each FOLDER with `adapter/` (a PEFT folder),
`expected.json` (base, ids, logits; vocabulary where the base was resized). Prints the largest difference of each; exit status 1 above 1e-4.

usage: python check_saved.py FOLDER...
"""
import json
import sys
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

FIXTURES = Path(__file__).resolve().parents[2] / "packages" / "models" / "fixtures"

worst = 0.0
for folder in map(Path, sys.argv[1:]):
    expected = json.loads((folder / "expected.json").read_text())
    base = AutoModelForCausalLM.from_pretrained(FIXTURES / expected["base"], dtype=torch.float32)
    if "vocabulary" in expected:
        base.resize_token_embeddings(expected["vocabulary"])
    model = PeftModel.from_pretrained(base, folder / "adapter").eval()
    ids = torch.tensor([expected["ids"]])
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0][-ids.shape[1]:]
    difference = (logits - torch.tensor(expected["logits"])).abs().max().item()
    print(f"{folder.name}: {difference:.1e}")
    worst = max(worst, difference)
sys.exit(worst > 1e-4)
