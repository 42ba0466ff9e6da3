# SPDX-License-Identifier: Apache-2.0
"""KTOTrainer and RewardTrainer of TRL 1.13 for 20 steps over 40 small rows, every weight of packages/models/fixtures/llama
trained, rows in the order of the file.

    python oracles/training/trl_curves.py

Writes trl-curve.json to the fixtures of loss-kto and algo-reward: rows as token ids, settings, metrics of every step, and for
the reward models the head that they start from.
"""

import json
import random
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import torch
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, PreTrainedTokenizerFast
from trl import KTOConfig, KTOTrainer, RewardConfig, RewardTrainer

MODEL = Path("packages/models/fixtures/llama")
PACKAGES = Path("packages")
VOCABULARY, PAD, EOS = 97, 0, 2
SETTINGS = dict(steps=20, rows=40, batchSize=4, learningRate=1e-3)
ABOUT = f"Written by oracles/training/trl_curves.py with trl {version('trl')}, torch {version('torch')}."


def tokenizer():
    words = {f"t{at}": at for at in range(VOCABULARY)} | {"<pad>": PAD, "</s>": EOS}
    words = {word: at for word, at in words.items() if word not in (f"t{PAD}", f"t{EOS}")}
    tokens = Tokenizer(WordLevel(words, unk_token="<pad>"))
    tokens.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokens, pad_token="<pad>", eos_token="</s>")


def draw(generator, least, most):
    return [generator.randint(3, VOCABULARY - 1) for _ in range(generator.randint(least, most))]


def text(ids):
    return " ".join(f"t{at}" for at in ids)


def settings(folder, **more):
    return dict(
        output_dir=folder,
        per_device_train_batch_size=SETTINGS["batchSize"],
        max_steps=SETTINGS["steps"],
        learning_rate=SETTINGS["learningRate"],
        lr_scheduler_type="constant",
        warmup_steps=0,
        logging_steps=1,
        save_strategy="no",
        bf16=False,
        use_cpu=True,
        gradient_checkpointing=False,
        report_to="none",
        max_grad_norm=1.0,
        train_sampling_strategy="sequential",
        **more,
    )


def history(trainer, keys):
    logged = [entry for entry in trainer.state.log_history if "loss" in entry and "train_loss" not in entry]
    assert len(logged) == SETTINGS["steps"], len(logged)
    names = {"loss": "loss", "grad_norm": "gradNorm"} | {key: key for key in keys}
    return [{ours: entry[theirs] for theirs, ours in names.items() if theirs in entry} for entry in logged]


def kto(folder):
    generator = random.Random(3)
    rows = [
        {"prompt": text(draw(generator, 2, 6)), "completion": " " + text(draw(generator, 1, 6)), "label": generator.random() < 0.6}
        for _ in range(SETTINGS["rows"])
    ]
    options = dict(beta=0.3, desirable_weight=1.2, undesirable_weight=0.8)
    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    trainer = KTOTrainer(
        model=model,
        args=KTOConfig(**settings(folder, **options)),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer(),
    )
    read = [
        {"promptIds": row["prompt_ids"], "responseIds": row["completion_ids"], "label": row["label"]}
        for row in trainer.train_dataset
    ]
    trainer.train()
    keys = ["kl", "rewards/chosen", "rewards/rejected", "rewards/margins", "logps/chosen", "logps/rejected"]
    loss = dict(beta=0.3, desirableWeight=1.2, undesirableWeight=0.8)
    return {"about": ABOUT, "settings": SETTINGS, "loss": loss, "rows": read, "steps": history(trainer, keys)}


def reward(folder):
    generator = random.Random(4)
    rows = []
    for _ in range(SETTINGS["rows"]):
        prompt = draw(generator, 2, 6)
        chosen, rejected = (draw(generator, 1, 6) + [EOS] for _ in range(2))
        margin = round(generator.random(), 3)
        rows.append({"promptIds": prompt, "chosenIds": chosen, "rejectedIds": rejected, "margin": margin})
    read = [
        {"chosen_ids": row["promptIds"] + row["chosenIds"], "rejected_ids": row["promptIds"] + row["rejectedIds"], "margin": row["margin"]}
        for row in rows
    ]
    torch.manual_seed(5)
    model = AutoModelForSequenceClassification.from_pretrained(MODEL, num_labels=1, dtype=torch.float32)
    head = torch.randn(model.score.weight.shape) * 0.3
    with torch.no_grad():
        model.score.weight.copy_(head)
    trainer = RewardTrainer(
        model=model,
        args=RewardConfig(**settings(folder, center_rewards_coefficient=0.01)),
        train_dataset=Dataset.from_list(read),
        processing_class=tokenizer(),
    )
    trainer.train()
    keys = ["accuracy", "margin", "min_reward", "mean_reward", "max_reward"]
    loss = dict(centerCoefficient=0.01, margin="margin")
    steps = history(trainer, keys)
    return {"about": ABOUT, "settings": SETTINGS, "loss": loss, "head": head[0].tolist(), "rows": rows, "steps": steps}


def write(package, content):
    path = PACKAGES / package / "fixtures" / "trl-curve.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = ",\n".join(json.dumps(row) for row in content.pop("rows"))
    steps = ",\n".join(json.dumps(step) for step in content.pop("steps"))
    facts = json.dumps(content)[1:-1]
    path.write_text(f'{{{facts},\n"rows": [\n{rows}\n],\n"steps": [\n{steps}\n]}}\n')
    print(path, path.stat().st_size)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        for package, curve in (("loss-kto", kto), ("algo-reward", reward)):
            write(package, curve(scratch))
