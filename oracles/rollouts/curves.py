# SPDX-License-Identifier: Apache-2.0
"""GRPOTrainer and OnlineDPOTrainer of TRL 1.13 for 20 steps on given answers with given scores, every weight of
packages/models/fixtures/llama trained, prompts in the order of the file.

    python oracles/rollouts/curves.py

Writes trl-curve.json to the fixtures of algo-grpo and algo-online-dpo: prompts, answers and scores, settings, metrics of
every step. Of GRPO a step is two updates on the same answers, whose metrics are averaged.
"""

import json
import random
import tempfile
from importlib.metadata import version
from pathlib import Path

import torch
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer
from trl.experimental.online_dpo import OnlineDPOConfig, OnlineDPOTrainer

MODEL = Path("packages/models/fixtures/llama")
PACKAGES = Path("packages")
VOCABULARY, PAD, EOS = 97, 0, 2
STEPS, PROMPTS, LIMIT = 20, 2, 8
ABOUT = f"Written by oracles/rollouts/curves.py with trl {version('trl')}, torch {version('torch')}."


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


def prompts(seed, count, answers):
    """Different prompts, each with answers that end and different scores."""
    generator = random.Random(seed)
    rows = []
    while len(rows) < count:
        prompt = draw(generator, 2, 6)
        if any(row["promptIds"] == prompt for row in rows):
            continue
        written = [draw(generator, 1, LIMIT - 1) + [EOS] for _ in range(answers)]
        scores = [round(score / 8, 3) for score in generator.sample(range(-12, 13), answers)]
        rows.append({"promptIds": prompt, "answers": written, "scores": scores})
    return rows


class Script:
    """Answers and scores by prompt, the next one each time the prompt is asked again."""

    def __init__(self, rows):
        self.rows = {text(row["promptIds"]): row for row in rows}

    def each(self, prompts):
        seen = {}
        for prompt in prompts:
            at = seen[prompt] = seen.get(prompt, -1) + 1
            yield self.rows[prompt], at

    def scores(self, prompts, **_):
        return [row["scores"][at] for row, at in self.each(prompts)]


def settings(folder, updates, **more):
    return dict(
        output_dir=folder,
        max_steps=updates,
        learning_rate=1e-3,
        lr_scheduler_type="constant",
        warmup_steps=0,
        logging_steps=1,
        save_strategy="no",
        bf16=False,
        use_cpu=True,
        gradient_checkpointing=False,
        report_to="none",
        max_grad_norm=1.0,
        **more,
    )


def history(trainer, updates, names):
    logged = [entry for entry in trainer.state.log_history if "loss" in entry and "train_loss" not in entry]
    assert len(logged) == updates, len(logged)
    each = updates // STEPS
    groups = [logged[at : at + each] for at in range(0, updates, each)]
    mean = lambda values: sum(values) / len(values)
    return [
        {ours: mean([entry[theirs] for entry in group if theirs in entry]) for theirs, ours in names.items()}
        for group in groups
    ]


def grpo(folder):
    answers, iterations = 4, 2
    rows = prompts(7, STEPS * PROMPTS, answers)
    script = Script(rows)

    class Scripted(GRPOTrainer):
        def _generate_single_turn(self, prompt_ids, images, multimodal_fields, has_tool_images=False):
            return [row["answers"][at] for row, at in script.each([text(ids) for ids in prompt_ids])], None

    options = dict(beta=0.04, loss_type="grpo", epsilon=0.2, num_iterations=iterations, temperature=0.8)
    trainer = Scripted(
        model=AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32),
        reward_funcs=script.scores,
        args=GRPOConfig(
            **settings(folder, STEPS * iterations, **options),
            per_device_train_batch_size=PROMPTS * answers,
            num_generations=answers,
            max_completion_length=LIMIT,
            shuffle_dataset=False,
        ),
        train_dataset=Dataset.from_list([{"prompt": text(row["promptIds"])} for row in rows]),
        processing_class=tokenizer(),
    )
    trainer.train()
    names = {"loss": "loss", "grad_norm": "gradNorm", "kl": "kl", "reward": "objective/scores"}
    names |= {"frac_reward_zero_std": "frac_reward_zero_std", "completions/mean_length": "completions/mean_length"}
    stage = dict(answers=answers, iterations=iterations, klCoefficient=0.04, temperature=0.8)
    return {"about": ABOUT, "stage": stage, "rows": rows, "steps": history(trainer, STEPS * iterations, names)}


def online_dpo(folder):
    rows = prompts(8, STEPS * PROMPTS, 2)
    script = Script(rows)

    class Scripted(OnlineDPOTrainer):
        def _generate(self, model, prompts, images=None):
            given = self.processing_class(prompts, return_tensors="pt", padding=True, padding_side="left")
            ids = [script.rows[prompt]["answers"][at] for at in (0, 1) for prompt in prompts]
            longest = max(len(each) for each in ids)
            padded = torch.tensor([each + [PAD] * (longest - len(each)) for each in ids])
            mask = torch.tensor([[1] * len(each) + [0] * (longest - len(each)) for each in ids])
            return given["input_ids"].repeat(2, 1), given["attention_mask"].repeat(2, 1), padded, mask

    load = lambda: AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    trainer = Scripted(
        model=load(),
        ref_model=load(),
        reward_funcs=script.scores,
        args=OnlineDPOConfig(
            **settings(folder, STEPS, beta=0.3, max_new_tokens=LIMIT, max_length=64),
            per_device_train_batch_size=PROMPTS,
            gradient_accumulation_steps=1,
            train_sampling_strategy="sequential",
        ),
        train_dataset=Dataset.from_list([{"prompt": text(row["promptIds"])} for row in rows]),
        processing_class=tokenizer(),
    )
    trainer.train()
    same = ["loss", "objective/scores", "objective/scores_margin", "logps/chosen", "logps/rejected"]
    same += ["rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies"]
    names = {name: name for name in same} | {"grad_norm": "gradNorm"}
    loss = dict(name="dpo", beta=0.3)
    return {"about": ABOUT, "loss": loss, "rows": rows, "steps": history(trainer, STEPS, names)}


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
        for package, curve in (("algo-grpo", grpo), ("algo-online-dpo", online_dpo)):
            write(package, curve(scratch))
