# SPDX-License-Identifier: Apache-2.0
"""Times TRL's GRPO, RLOO or (of a TRL that has it in `trl.experimental`, such as 0.29.1) PPO trainer with LoRA on the
processor: prompts of a file, a rule as reward. Prints one JSON object.

The rule is the share of the letter e in an answer. TRL's PPO takes no rule: there the reward is a module of no cost that
reads the ids, and its value model is a second whole model, as the trainer demands.

usage: trl_online.py PROMPTS.jsonl --model FOLDER [--algorithm grpo|rloo|ppo] [--steps 4] [--prompts 4] [--answers 4]
                     [--tokens 32] [--dtype bf16|fp32] [--threads 2]
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("file")
parser.add_argument("--model", required=True)
parser.add_argument("--algorithm", choices=["grpo", "rloo", "ppo"], default="grpo")
parser.add_argument("--steps", type=int, default=4)
parser.add_argument("--prompts", type=int, default=4, help="of a step")
parser.add_argument("--answers", type=int, default=4, help="to each")
parser.add_argument("--tokens", type=int, default=32, help="of an answer")
parser.add_argument("--dtype", choices=["bf16", "fp32"], default="bf16")
parser.add_argument("--threads", type=int, default=2)
options = parser.parse_args()

import torch  # noqa: E402  (threads are set before anything else of torch runs)

torch.set_num_threads(options.threads)

from datasets import Dataset  # noqa: E402
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback  # noqa: E402

from common import report  # noqa: E402
from trl_common import lora  # noqa: E402

dtype = torch.bfloat16 if options.dtype == "bf16" else torch.float32
prompts = [json.loads(line)["prompt"] for line in Path(options.file).read_text().splitlines()]
samples = options.prompts * options.answers


class StepEnds(TrainerCallback):
    """When each step has ended."""

    def __init__(self):
        self.at = [time.perf_counter()]

    def on_train_begin(self, *_, **__):
        self.at = [time.perf_counter()]

    def on_step_end(self, *_, **__):
        self.at.append(time.perf_counter())


def shared(folder):
    return dict(
        output_dir=folder,
        per_device_train_batch_size=samples,
        gradient_accumulation_steps=1,
        learning_rate=1e-5,
        use_cpu=True,
        bf16=options.dtype == "bf16",
        gradient_checkpointing=False,
        report_to=[],
        save_strategy="no",
        logging_steps=1,
        seed=42,
    )


def rule(completions, **_):
    return [text.count("e") / max(1, len(text)) for text in completions]


def in_groups(folder, ends):
    """GRPO and RLOO: the answers to a prompt are compared."""
    from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

    config, trainer = {"grpo": (GRPOConfig, GRPOTrainer), "rloo": (RLOOConfig, RLOOTrainer)}[options.algorithm]
    args = config(
        **shared(folder),
        max_steps=options.steps,
        num_generations=options.answers,
        max_completion_length=options.tokens,
        num_iterations=1,
        temperature=1.0,
        beta=0.04,
    )
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=dtype)
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    rows = Dataset.from_list([{"prompt": prompt} for prompt in prompts])
    made = trainer(
        model, rule, args, rows, processing_class=tokenizer, peft_config=lora(), callbacks=[ends]
    )
    made.train()
    return next(row["completions/mean_length"] for row in reversed(made.state.log_history) if "completions/mean_length" in row)


class FreeReward(torch.nn.Module):
    """A reward of no cost in the form that PPOTrainer wants: a backbone and a score of its last hidden states."""

    base_model_prefix = "backbone"

    class Backbone(torch.nn.Module):
        def forward(self, input_ids, **_):
            hidden = (input_ids % 97).float()[..., None] / 97  # [B, T, 1]
            return type("Output", (), {"hidden_states": [hidden]})()

    def __init__(self):
        super().__init__()
        self.backbone = self.Backbone()
        self.score = torch.nn.Identity()


def ppo(folder, ends):
    from trl.experimental.ppo import PPOConfig, PPOTrainer

    args = PPOConfig(
        **shared(folder),
        total_episodes=options.steps * samples,
        num_ppo_epochs=4,
        num_mini_batches=1,
        local_rollout_forward_batch_size=samples,
        response_length=options.tokens,
        temperature=1.0,
        num_sample_generations=0,
    )
    tokenizer = AutoTokenizer.from_pretrained(options.model, padding_side="left")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    rows = Dataset.from_list([{"input_ids": tokenizer(prompt)["input_ids"]} for prompt in prompts for _ in range(options.answers)])
    made = PPOTrainer(
        args=args,
        processing_class=tokenizer,
        model=AutoModelForCausalLM.from_pretrained(options.model, dtype=dtype),
        ref_model=None,
        reward_model=FreeReward(),
        value_model=AutoModelForSequenceClassification.from_pretrained(options.model, num_labels=1, dtype=dtype),
        train_dataset=rows,
        peft_config=lora(),
        callbacks=[ends],
    )
    made.train()
    return float(options.tokens)


ends = StepEnds()
with tempfile.TemporaryDirectory() as folder:
    length = (ppo if options.algorithm == "ppo" else in_groups)(folder, ends)
seconds = [after - before for before, after in zip(ends.at, ends.at[1:])]
import trl  # noqa: E402

report(system=f"TRL {trl.__version__}", stepSeconds=seconds, samples=samples, meanLength=length)
