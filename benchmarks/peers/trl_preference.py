# SPDX-License-Identifier: Apache-2.0
"""Times TRL's DPO or CPO (SimPO) trainer with LoRA on the processor, on token ids given in a file.

Needs torch, transformers, trl, peft, datasets. Each row of ROWS.jsonl holds promptIds, chosenIds, rejectedIds; both
sides of a comparison read the same file and print its hash. Prints one JSON object.

usage: trl_preference.py ROWS.jsonl --model CONFIG.json [--loss dpo|simpo] [--dtype bf16|fp32] [--batch-size 2]
                         [--epochs 1] [--threads 2] [--precompute]
"""

import argparse
import hashlib
import json
import resource
import tempfile
import time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("rows")
parser.add_argument("--model", required=True, help="config.json of the architecture; weights are random")
parser.add_argument("--loss", choices=["dpo", "simpo"], default="dpo")
parser.add_argument("--dtype", choices=["bf16", "fp32"], default="bf16")
parser.add_argument("--batch-size", type=int, default=2)
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--max-length", type=int, default=512)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--precompute", action="store_true", help="reference log-probs before the first step")
options = parser.parse_args()

import torch  # noqa: E402  (threads are set before anything else of torch runs)

torch.set_num_threads(options.threads)

from datasets import Dataset  # noqa: E402
from peft import LoraConfig  # noqa: E402
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast, TrainerCallback  # noqa: E402
from tokenizers import Tokenizer, models  # noqa: E402
from trl import DPOConfig, DPOTrainer  # noqa: E402
from trl.experimental.cpo import CPOConfig, CPOTrainer  # noqa: E402

content = Path(options.rows).read_bytes()
rows = [json.loads(line) for line in content.decode().splitlines()]
config = AutoConfig.for_model(**json.loads(Path(options.model).read_text()))
torch.manual_seed(0)
model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16 if options.dtype == "bf16" else torch.float32)

# The trainers want a tokenizer for padding; every id is given, so this one never encodes.
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=Tokenizer(models.WordLevel({"<pad>": 0, "<eos>": 1}, unk_token="<pad>")),
    pad_token="<pad>",
    eos_token="<eos>",
)


class TimedSteps(TrainerCallback):
    """Wall seconds of each optimizer step."""

    def __init__(self):
        self.seconds = []

    def on_step_begin(self, *_, **__):
        self.started = time.perf_counter()

    def on_step_end(self, *_, **__):
        self.seconds.append(time.perf_counter() - self.started)


class GivenIdsDPOTrainer(DPOTrainer):
    """The rows are token ids already."""

    def _prepare_dataset(self, dataset, *_):
        return dataset


class GivenIdsCPOTrainer(CPOTrainer):
    """The rows are token ids already: only the layout that the collator reads is made of them."""

    def tokenize_row(self, feature, model=None):
        prompt = feature["promptIds"]
        row = {"prompt_input_ids": prompt, "prompt_attention_mask": [1] * len(prompt)}
        for side in ("chosen", "rejected"):
            ids = prompt + feature[f"{side}Ids"]
            row[f"{side}_input_ids"] = ids
            row[f"{side}_attention_mask"] = [1] * len(ids)
            row[f"{side}_labels"] = [-100] * len(prompt) + feature[f"{side}Ids"]
        return row


def dpo_rows():
    names = {"prompt_ids": "promptIds", "chosen_ids": "chosenIds", "rejected_ids": "rejectedIds"}
    return Dataset.from_list([{ours: row[given] for ours, given in names.items()} for row in rows])


def cpo_rows():
    # `prompt`, `chosen`, `rejected` are looked at (not read) before tokenize_row is called.
    return Dataset.from_list([{**row, "prompt": "", "chosen": "", "rejected": ""} for row in rows])


steps = TimedSteps()
adapter = LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")
with tempfile.TemporaryDirectory() as folder:
    shared = dict(
        output_dir=folder,
        per_device_train_batch_size=options.batch_size,
        num_train_epochs=options.epochs,
        learning_rate=5e-6,
        use_cpu=True,
        bf16=options.dtype == "bf16",
        max_length=options.max_length,
        gradient_checkpointing=False,
        report_to=[],
        save_strategy="no",
        logging_steps=1,
        seed=42,
    )
    wiring = dict(model=model, processing_class=tokenizer, peft_config=adapter, callbacks=[steps])
    started = time.perf_counter()
    if options.loss == "dpo":
        arguments = DPOConfig(beta=0.1, precompute_ref_log_probs=options.precompute, **shared)
        trainer = GivenIdsDPOTrainer(args=arguments, train_dataset=dpo_rows(), **wiring)
    else:
        arguments = CPOConfig(beta=2.0, loss_type="simpo", cpo_alpha=0.0, simpo_gamma=1.0, **shared)
        trainer = GivenIdsCPOTrainer(args=arguments, train_dataset=cpo_rows(), **wiring)
    trainer.train()
    total = time.perf_counter() - started

tokens = sum(2 * len(row["promptIds"]) + len(row["chosenIds"]) + len(row["rejectedIds"]) for row in rows)
stepped = sum(steps.seconds)
# Precomputing happens between construction and the first step; it is charged where it was asked for.
charged = total if options.precompute else stepped
print(
    json.dumps(
        {
            "system": "trl",
            "loss": options.loss,
            "dtype": options.dtype,
            "precompute": options.precompute,
            "rowsHash": hashlib.sha256(content).hexdigest()[:16],
            "pairs": len(rows) * options.epochs,
            "seconds": round(charged, 3),
            "pairsPerSecond": round(len(rows) * options.epochs / charged, 5),
            "realTokensPerSecond": round(tokens * options.epochs / charged, 2),
            "stepSeconds": [round(s, 3) for s in steps.seconds],
            "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
)
