# SPDX-License-Identifier: Apache-2.0
"""The Transformers side of sst2.mjs: masks with DataCollatorForLanguageModeling, then a sequence classifier, in plain loops.

usage: sst2_transformers.py FOLDER --seed 1 --threads 1 --recipe JSON
"""

import argparse
import json
import math
import time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--recipe", type=json.loads, required=True)
options = parser.parse_args()

import torch  # noqa: E402
from transformers import (  # noqa: E402
    AutoTokenizer,
    BertForMaskedLM,
    BertForSequenceClassification,
    DataCollatorForLanguageModeling,
    DataCollatorWithPadding,
    get_linear_schedule_with_warmup,
)

torch.set_num_threads(options.threads)
recipe = options.recipe
tokenizer = AutoTokenizer.from_pretrained(options.folder / "tokenizer")


def rows(name):
    lines = [json.loads(line) for line in (options.folder / f"{name}.jsonl").read_text().splitlines()]
    ids = tokenizer([line["text"] for line in lines], truncation=True, max_length=recipe["maxLength"])["input_ids"]
    labels = [["bad", "good"].index(line["label"]) if "label" in line else None for line in lines]
    return [
        {"input_ids": own} | ({} if label is None else {"labels": label}) for own, label in zip(ids, labels, strict=True)
    ]


def train(model, data, collate, epochs, rate):
    size = recipe["batchSize"]
    steps = epochs * math.ceil(len(data) / size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=recipe["weightDecay"])
    schedule = get_linear_schedule_with_warmup(optimizer, int(recipe["warmupRatio"] * steps), steps)
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(data)).tolist()
        for start in range(0, len(data), size):
            batch = collate([data[at] for at in order[start : start + size]])
            model(**batch).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()


torch.manual_seed(options.seed)
began = time.perf_counter()
masked = BertForMaskedLM.from_pretrained(options.folder / "model")
how = recipe["masked"]
train(masked, rows("texts"), DataCollatorForLanguageModeling(tokenizer), how["epochs"], how["learningRate"])
between = options.folder / f"transformers-{options.seed}-masked"
masked.save_pretrained(between)

classifier = BertForSequenceClassification.from_pretrained(between, num_labels=2)
how = recipe["classes"]
collate = DataCollatorWithPadding(tokenizer)
train(classifier, rows("train"), collate, how["epochs"], how["learningRate"])

classifier.eval()
held_out = rows("held-out")
right = 0
with torch.no_grad():
    for start in range(0, len(held_out), 64):
        batch = collate(held_out[start : start + 64])
        right += (classifier(**batch).logits.argmax(-1) == batch["labels"]).sum().item()
print(json.dumps({"accuracy": right / len(held_out), "seconds": time.perf_counter() - began}))
