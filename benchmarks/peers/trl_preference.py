# SPDX-License-Identifier: Apache-2.0
"""Times TRL's DPO or CPO (SimPO) trainer with LoRA on the processor, on token ids given in a file.

Needs torch, transformers, trl, peft, datasets. Each row of ROWS.jsonl holds promptIds, chosenIds, rejectedIds; both
sides of a comparison read the same file and print its hash. Prints one JSON object.

usage: trl_preference.py ROWS.jsonl --model CONFIG.json [--loss dpo|simpo] [--dtype bf16|fp32] [--batch-size 2]
                         [--epochs 1] [--threads 2] [--max-length 512] [--precompute] [--checkpointing]
"""

import tempfile
import time

from common import parser_of, random_model, read_rows, report

parser = parser_of(__doc__)
parser.add_argument("--loss", choices=["dpo", "simpo"], default="dpo")
parser.add_argument("--max-length", type=int, default=512)
parser.add_argument("--precompute", action="store_true", help="reference log-probs before the first step")
parser.add_argument("--checkpointing", action="store_true", help="recompute activations, TRL's default")
options = parser.parse_args()

import torch  # noqa: E402  (threads are set before anything else of torch runs)

torch.set_num_threads(options.threads)

from datasets import Dataset  # noqa: E402
from trl import DPOConfig, DPOTrainer  # noqa: E402
from trl.experimental.cpo import CPOConfig, CPOTrainer  # noqa: E402

from trl_common import TimedSteps, lora, padding_tokenizer, trainer_options  # noqa: E402

rows, rows_hash = read_rows(options.rows)
model = random_model(options.model, torch.bfloat16 if options.dtype == "bf16" else torch.float32)


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
with tempfile.TemporaryDirectory() as folder:
    shared = dict(max_length=options.max_length, **trainer_options(folder, options))
    wiring = dict(model=model, processing_class=padding_tokenizer(), peft_config=lora(), callbacks=[steps])
    started = time.perf_counter()
    if options.loss == "dpo":
        arguments = DPOConfig(beta=0.1, precompute_ref_log_probs=options.precompute, **shared)
        trainer = GivenIdsDPOTrainer(args=arguments, train_dataset=dpo_rows(), **wiring)
    else:
        arguments = CPOConfig(beta=2.0, loss_type="simpo", cpo_alpha=0.0, simpo_gamma=1.0, **shared)
        trainer = GivenIdsCPOTrainer(args=arguments, train_dataset=cpo_rows(), **wiring)
    trainer.train()
    total = time.perf_counter() - started

# Precomputing happens between construction and the first step; it is charged where it was asked for.
charged = total if options.precompute else sum(steps.seconds)
report(
    system="trl",
    loss=options.loss,
    dtype=options.dtype,
    precompute=options.precompute,
    checkpointing=options.checkpointing,
    rowsHash=rows_hash,
    pairs=len(rows) * options.epochs,
    seconds=round(charged, 3),
    stepSeconds=[round(s, 3) for s in steps.seconds],
)
