# SPDX-License-Identifier: Apache-2.0
"""Turns a file of preference pairs into rows of token ids, which all systems of a comparison then read.

Keeps the rows whose prompt and both answers together fit into N tokens. Reads LLaMA-Factory's layout
(`conversations`, `chosen`, `rejected`) and TRL's (`prompt`, `chosen`, `rejected` as strings). ChatML without a chat
template. Needs tokenizers.

usage: make_rows.py PAIRS.json TOKENIZER_FOLDER OUT.jsonl [--max-tokens 512] [--rows N]
"""

import argparse
import json
from pathlib import Path

from tokenizers import Tokenizer

parser = argparse.ArgumentParser()
parser.add_argument("pairs")
parser.add_argument("tokenizer")
parser.add_argument("out")
parser.add_argument("--max-tokens", type=int, default=512)
parser.add_argument("--rows", type=int, default=None)
options = parser.parse_args()

tokenizer = Tokenizer.from_file(str(Path(options.tokenizer) / "tokenizer.json"))
text = Path(options.pairs).read_text()
pairs = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines()]
ROLES = {"human": "user", "gpt": "assistant", "system": "system"}


def turns_of(pair):
    if "conversations" in pair:
        return [(ROLES[turn["from"]], turn["value"]) for turn in pair["conversations"]]
    return [("user", pair["prompt"])]


def text_of(answer):
    return answer if isinstance(answer, str) else answer["value"]


def ids_of(text):
    return tokenizer.encode(text, add_special_tokens=False).ids


rows = []
for pair in pairs:
    turns = turns_of(pair)
    if turns[0][0] != "system":
        turns = [("system", "You are a helpful assistant."), *turns]
    prompt = "".join(f"<|im_start|>{role}\n{content}<|im_end|>\n" for role, content in turns)
    row = {
        "promptIds": ids_of(prompt + "<|im_start|>assistant\n"),
        "chosenIds": ids_of(text_of(pair["chosen"]) + "<|im_end|>"),
        "rejectedIds": ids_of(text_of(pair["rejected"]) + "<|im_end|>"),
    }
    if sum(map(len, row.values())) <= options.max_tokens:
        rows.append(row)
kept = rows[: options.rows]
Path(options.out).write_text("".join(json.dumps(row) + "\n" for row in kept))
print(f"{len(kept)} of {len(pairs)} pairs written ({len(rows)} fit into {options.max_tokens} tokens)")
