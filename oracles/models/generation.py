# SPDX-License-Identifier: Apache-2.0
"""Greedy answers of Transformers under keys of generation_config.json.

    python oracles/models/generation.py      (after make_fixtures.py; versions: oracles/requirements.txt)

Writes packages/models/fixtures/generation.json: for each case the keys, and the tokens that the tiny Qwen2 answers to one
prompt, end token included. Keys that would change nothing there make the script fail.
"""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, GenerationConfig

BASE = Path("packages/models/fixtures/qwen2")
PROMPT = [5, 17, 40, 17, 40]


def answer(settings: dict) -> list[int]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(BASE, folder, dirs_exist_ok=True)
        (Path(folder) / "generation_config.json").write_text(json.dumps({"max_new_tokens": 16, **settings}))
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        model.generation_config = GenerationConfig.from_pretrained(folder)
        ids = torch.tensor([PROMPT])
        return model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False)[0, len(PROMPT):].tolist()


def main() -> None:
    free = answer({})
    a, b, c = free[0], free[1], free[4]
    later = next(i for i in free if i != a)
    cases = {
        "nothing": {},
        "one end token": {"eos_token_id": c},
        "several end tokens": {"eos_token_id": [96, c]},
        "repetition_penalty": {"repetition_penalty": 1.5},
        "repetition_penalty below 1": {"repetition_penalty": 0.7},
        "no_repeat_ngram_size 1": {"no_repeat_ngram_size": 1},
        "no_repeat_ngram_size 2": {"no_repeat_ngram_size": 2},
        "no_repeat_ngram_size 3": {"no_repeat_ngram_size": 3, "repetition_penalty": 0.7},
        "suppress_tokens": {"suppress_tokens": [a, b]},
        "begin_suppress_tokens": {"begin_suppress_tokens": [a]},
        "bad_words_ids of one token": {"bad_words_ids": [[later]]},
        "bad_words_ids of several": {"bad_words_ids": [[40, a], [a, b], [b, c, c]]},
        "bad_words_ids that is the end": {"bad_words_ids": [[c], [a]], "eos_token_id": c},
        "min_new_tokens": {"eos_token_id": [a, c], "min_new_tokens": 7},
        "min_length": {"eos_token_id": [a, c], "min_length": 9},
        "min_new_tokens before min_length": {"eos_token_id": [b], "min_new_tokens": 1, "min_length": 12},
        "max_new_tokens": {"max_new_tokens": 3},
        "max_length": {"max_new_tokens": None, "max_length": 9},
        "many at once": {"repetition_penalty": 1.2, "no_repeat_ngram_size": 2, "suppress_tokens": [b], "eos_token_id": [c], "min_new_tokens": 5},
    }
    answers = {label: answer(settings) for label, settings in cases.items()}
    same = [label for label, ids in answers.items() if ids == free and label != "nothing"]
    assert not same, f"these change nothing: {same} ({free})"
    found = {label: {"settings": {"max_new_tokens": 16, **cases[label]}, "ids": ids} for label, ids in answers.items()}
    out = Path("packages/models/fixtures/generation.json")
    out.write_text(json.dumps({"versions": "transformers 5.18.0", "prompt": PROMPT, "cases": found}) + "\n")
    print(len(found), "cases", f"{out.stat().st_size / 1024:.0f} kB", free)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
