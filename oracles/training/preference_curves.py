# SPDX-License-Identifier: Apache-2.0
"""SFTTrainer, DPOTrainer, ORPOTrainer and CPOTrainer (SimPO) of TRL 1.13 for 50 steps over 40 small rows, every weight of the
tiny llama and gpt-neox of packages/models/fixtures trained; and Seq2SeqTrainer of Transformers (TRL has none for
encoder–decoders) on the tiny t5.

    python oracles/training/preference_curves.py

Writes test/fixtures/trl-curves.json: rows as token ids, settings, metrics of every step by TRL's names. Then the same with a
LoRA of PEFT on every linear layer instead of the weights: test/fixtures/trl-adapters.safetensors holds each adapter before
(<model>.<loss>.start.<key>) and after the 50 steps (….end.<key>), its metadata the settings and losses.

    python oracles/training/preference_curves.py adapters      (those alone)
"""

import json
import random
import sys
import tempfile
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    DataCollatorForSeq2Seq,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
)
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer
from trl.experimental.cpo import CPOConfig, CPOTrainer
from trl.experimental.orpo import ORPOConfig, ORPOTrainer
from trl_curves import EOS, settings, text, tokenizer

FIXTURES = Path("packages/models/fixtures")
OUT = Path("test/fixtures/trl-curves.json")
ADAPTERS = Path("test/fixtures/trl-adapters.safetensors")
STEPS, ROWS, BATCH = 50, 40, 4
RANK, ALPHA = 2, 8
LEFT_OUT = ("epoch", "learning_rate", "num_tokens", "total_flos")


def drawn(vocabulary, seed):
    generator = random.Random(seed)
    draw = lambda least, most: [generator.randint(3, vocabulary - 1) for _ in range(generator.randint(least, most))]  # noqa: E731
    return [
        {"promptIds": draw(2, 6), "chosenIds": draw(1, 6) + [EOS], "rejectedIds": draw(1, 6) + [EOS]}
        for _ in range(ROWS)
    ]


def arguments(folder, rate, **more):
    return settings(folder, **more) | dict(max_steps=STEPS, learning_rate=rate, per_device_train_batch_size=BATCH)


def history(trainer):
    logged = [entry for entry in trainer.state.log_history if "loss" in entry and "train_loss" not in entry]
    assert len(logged) == STEPS, len(logged)
    names = {"grad_norm": "gradNorm"}
    steps = [{names.get(key, key): value for key, value in entry.items() if key not in LEFT_OUT} for entry in logged]
    losses = [step["loss"] for step in steps]
    assert max(losses) - min(losses) >= 0.2, losses
    print(round(losses[0], 4), round(losses[-1], 4), sorted(steps[0]))
    return steps


def model_of(name, **more):
    return AutoModelForCausalLM.from_pretrained(FIXTURES / name, dtype=torch.float32, **more)


def causal(name):
    model = model_of(name)
    rows = drawn(model.config.vocab_size, 5)
    written, masked = forms_of(rows)
    curves = []
    for loss, rate, make in (
        ("sft", 1e-3, sft), ("dpo", 1e-3, dpo), ("orpo", 1e-3, orpo), ("simpo", 3e-4, simpo),
    ):
        with tempfile.TemporaryDirectory() as folder:
            trainer = make(model_of(name), folder, rate, masked if loss == "sft" else written)
            check_rows(loss, trainer.train_dataset, rows)
            trainer.train()
            curves.append({"model": name, "loss": loss, "learningRate": rate, "steps": history(trainer)})
    return rows, curves


def forms_of(rows):
    """As preference trainers and as the supervised one take them."""
    written = [
        {"prompt": text(row["promptIds"]), "chosen": " " + text(row["chosenIds"][:-1]), "rejected": " " + text(row["rejectedIds"][:-1])}
        for row in rows
    ]
    masked = [
        {
            "input_ids": row["promptIds"] + row["chosenIds"],
            "completion_mask": [0] * len(row["promptIds"]) + [1] * len(row["chosenIds"]),
        }
        for row in rows
    ]
    return written, masked


def with_adapter(model, task_type):
    torch.manual_seed(5)
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules="all-linear", task_type=task_type)
    return get_peft_model(model, config)


def copied(model):
    return {key: value.detach().clone().contiguous() for key, value in get_peft_model_state_dict(model).items()}


def adapters():
    tensors, cases = {}, []

    def keep(name, loss, rate, model, make):
        start = copied(model)
        with tempfile.TemporaryDirectory() as folder:
            trainer = make(folder)
            trainer.train()
            steps = history(trainer)
        end = copied(model)
        assert all(not torch.equal(start[key], end[key]) for key in start)
        for when, state in (("start", start), ("end", end)):
            tensors.update({f"{name}.{loss}.{when}.{key}": value for key, value in state.items()})
        cases.append({"model": name, "loss": loss, "learningRate": rate, "losses": [step["loss"] for step in steps]})

    for name in ("llama", "gpt-neox"):
        rows = drawn(model_of(name).config.vocab_size, 5)
        written, masked = forms_of(rows)
        for loss, rate, make in (
            ("sft", 1e-2, sft), ("dpo", 1e-2, dpo), ("orpo", 1e-2, orpo), ("simpo", 2e-3, simpo),
        ):
            model = with_adapter(model_of(name), "CAUSAL_LM")
            given = masked if loss == "sft" else written
            keep(name, loss, rate, model, lambda folder: make(model, folder, rate, given))  # noqa: B023
    model = with_adapter(t5_model(), None)
    keep("t5", "sft", 1e-2, model, lambda folder: t5_trainer(model, folder, 1e-2, t5_rows(model.config.vocab_size)))
    about = {"rank": RANK, "alpha": ALPHA, "steps": STEPS, "batchSize": BATCH, "cases": cases}
    save_file(tensors, ADAPTERS, metadata={"about": json.dumps(about)})
    print(ADAPTERS, ADAPTERS.stat().st_size)


def check_rows(loss, made, rows):
    """The trainers' own tokens are those of the rows."""
    if loss == "sft":
        assert [row["input_ids"] for row in made] == [row["promptIds"] + row["chosenIds"] for row in rows]
    elif loss == "dpo":
        assert [row["prompt_ids"] for row in made] == [row["promptIds"] for row in rows], made[0]
        assert [row["chosen_ids"] for row in made] == [row["chosenIds"] for row in rows], made[0]
        assert [row["rejected_ids"] for row in made] == [row["rejectedIds"] for row in rows]
    else:
        assert [row["chosen_input_ids"] for row in made] == [row["promptIds"] + row["chosenIds"] for row in rows], made[0]
        assert [row["rejected_input_ids"] for row in made] == [row["promptIds"] + row["rejectedIds"] for row in rows]


def sft(model, folder, rate, rows):
    args = SFTConfig(**arguments(folder, rate, completion_only_loss=True, packing=False))
    return SFTTrainer(model=model, args=args, train_dataset=Dataset.from_list(rows), processing_class=tokenizer())


def dpo(model, folder, rate, rows):
    args = DPOConfig(**arguments(folder, rate, beta=0.1))
    return DPOTrainer(model=model, args=args, train_dataset=Dataset.from_list(rows), processing_class=tokenizer())


def orpo(model, folder, rate, rows):
    args = ORPOConfig(**arguments(folder, rate, beta=0.1, max_length=64))
    return ORPOTrainer(model=model, args=args, train_dataset=Dataset.from_list(rows), processing_class=tokenizer())


def simpo(model, folder, rate, rows):
    args = CPOConfig(
        **arguments(folder, rate, beta=2.0, simpo_gamma=1.0, loss_type="simpo", cpo_alpha=0.0, max_length=64)
    )
    return CPOTrainer(model=model, args=args, train_dataset=Dataset.from_list(rows), processing_class=tokenizer())


def t5_model():
    return AutoModelForSeq2SeqLM.from_pretrained(FIXTURES / "t5", dtype=torch.float32, dropout_rate=0.0)


def t5_rows(vocabulary):
    return drawn(vocabulary, 6)


def t5_trainer(model, folder, rate, rows):
    made = [{"input_ids": row["promptIds"], "labels": row["chosenIds"]} for row in rows]
    return Seq2SeqTrainer(
        model=model,
        args=Seq2SeqTrainingArguments(**arguments(folder, rate)),
        train_dataset=Dataset.from_list(made),
        processing_class=tokenizer(),
        data_collator=DataCollatorForSeq2Seq(tokenizer(), model=model),
    )


def t5():
    model = t5_model()
    rows = t5_rows(model.config.vocab_size)
    with tempfile.TemporaryDirectory() as folder:
        trainer = t5_trainer(model, folder, 3e-3, rows)
        trainer.train()
        return rows, [{"model": "t5", "loss": "sft", "learningRate": 3e-3, "steps": history(trainer)}]


def main():
    torch.set_num_threads(1)
    adapters()
    if "adapters" in sys.argv[1:]:
        return
    parts = [causal("llama"), causal("gpt-neox"), t5()]
    about = "Written by oracles/training/preference_curves.py with trl 1.13, transformers 5.18, torch 2.13."
    content = {
        "about": about,
        "settings": {"steps": STEPS, "batchSize": BATCH},
        "rows": {curves[0]["model"]: rows for rows, curves in parts},
        "curves": [curve for _, curves in parts for curve in curves],
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(OUT, OUT.stat().st_size)


if __name__ == "__main__":
    main()
