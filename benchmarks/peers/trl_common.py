# SPDX-License-Identifier: Apache-2.0
"""What the scripts around TRL's trainers share: step times, a tokenizer that only pads, the trainers' options."""

import time

from peft import LoraConfig
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast, TrainerCallback


class TimedSteps(TrainerCallback):
    """Wall seconds of each optimizer step."""

    def __init__(self):
        self.seconds = []

    def on_step_begin(self, *_, **__):
        self.started = time.perf_counter()

    def on_step_end(self, *_, **__):
        self.seconds.append(time.perf_counter() - self.started)


def padding_tokenizer():
    """The trainers want a tokenizer for padding; every id is given, so this one never encodes."""
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"<pad>": 0, "<eos>": 1}, unk_token="<pad>")),
        pad_token="<pad>",
        eos_token="<eos>",
    )


def lora():
    return LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")


def trainer_options(folder, options):
    return dict(
        output_dir=folder,
        per_device_train_batch_size=options.batch_size,
        num_train_epochs=options.epochs,
        learning_rate=5e-6,
        use_cpu=True,
        bf16=options.dtype == "bf16",
        gradient_checkpointing=options.checkpointing,
        report_to=[],
        save_strategy="no",
        logging_steps=1,
        seed=42,
    )
