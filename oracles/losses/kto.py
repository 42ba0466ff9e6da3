# SPDX-License-Identifier: Apache-2.0
"""Fixtures of packages/loss-kto: KTOTrainer._compute_loss of TRL 1.13 itself, on stub models, in float64."""

import json
import random
from collections import defaultdict
from importlib.metadata import version
from types import SimpleNamespace

import torch
from inputs import QUANTUM, draw_answer, padded_logits, quantized, stub_accelerator
from torch import nn
from trl import KTOTrainer

from fixtures import ROOT, gradient_of

OWN, FOREIGN = 0, 1  # first token of a sequence, which nothing predicts: tells the stub which answers are asked for


def draw_rows(seed, rows, mean, drift):
    """Labelled answers, each with the answer of another row behind the same prompt."""
    generator = random.Random(seed)
    return [
        {
            "prompt": [quantized(-generator.expovariate(1 / 3)) for _ in range(generator.randint(2, 5))],
            role: draw_answer(generator, tokens, mean, drift),
            "mismatched": draw_answer(generator, foreign, mean, drift),
        }
        for role, tokens, foreign in rows
    ]


GOOD, BAD = "desirable", "undesirable"
INPUTS = {
    "ordinary": draw_rows(2, [(GOOD, 3, 5), (BAD, 7, 2), (BAD, 1, 1), (GOOD, 4, 9), (BAD, 6, 4)], 1.5, 0.4),
    "wide": draw_rows(5, [(BAD, 6, 4), (GOOD, 2, 9), (GOOD, 5, 5)], 4.0, 3.0),
    "one side": draw_rows(6, [(GOOD, 3, 2), (GOOD, 2, 2)], 1.5, 0.4),
    "extreme": [
        {"prompt": [-1.5], GOOD: {"policy": [-40.0] * 8, "reference": [-1.0] * 8},
         "mismatched": {"policy": [-QUANTUM] * 3, "reference": [-2.0] * 3}},
        {"prompt": [-1.5], BAD: {"policy": [-QUANTUM] * 8, "reference": [-30.0] * 8},
         "mismatched": {"policy": [-1.0] * 3, "reference": [-1.0] * 3}},
        # Of the others' gradients float32 tells no more than that they are nothing beside this row's.
        {"prompt": [-1.5], BAD: {"policy": [-1.0] * 4, "reference": [-1.5] * 4},
         "mismatched": {"policy": [-1.0] * 3, "reference": [-1.5] * 3}},
    ],
}


def side_of(row):
    return GOOD if GOOD in row else BAD


class Stub(nn.Module):
    is_gradient_checkpointing = False

    def __init__(self, own, foreign):
        super().__init__()
        self.logits = {OWN: padded_logits(own), FOREIGN: padded_logits(foreign)}

    def forward(self, input_ids=None, attention_mask=None):
        return SimpleNamespace(logits=self.logits[input_ids[0, 0].item()].clone())


def batch_of(rows):
    batch = {"label": torch.tensor([GOOD in row for row in rows])}
    for prefix, marker, answers in (
        ("", OWN, [row[side_of(row)] for row in rows]),
        ("KL_", FOREIGN, [row["mismatched"] for row in rows]),
    ):
        lengths = [len(answer["policy"]) for answer in answers]
        ids = torch.zeros(len(rows), max(lengths) + 1, dtype=torch.long)
        ids[:, 0] = marker
        batch[f"{prefix}input_ids"] = ids
        batch[f"{prefix}attention_mask"] = torch.ones_like(ids)
        mask = [[0] + [1] * length + [0] * (max(lengths) - length) for length in lengths]
        batch[f"{prefix}completion_mask"] = torch.tensor(mask)
    return batch


def trainer_of(rows, variables, options):
    constants = [
        {name: torch.tensor(row[name]["reference"]) for name in (side_of(row), "mismatched")} for row in rows
    ]
    models = [
        Stub([values[side_of(row)] for row, values in zip(rows, all_values)], [v["mismatched"] for v in all_values])
        for all_values in (variables, constants)
    ]
    trainer = KTOTrainer.__new__(KTOTrainer)
    trainer.model, trainer.ref_model = models
    trainer.accelerator = stub_accelerator()
    trainer.args = SimpleNamespace(gradient_checkpointing_kwargs=None)
    trainer.aux_loss_enabled = trainer.precompute_ref_logps = trainer.use_liger_kernel = False
    trainer.loss_type = options.get("variant", "kto")
    trainer.calculate_KL = trainer.loss_type == "kto"
    trainer.beta = options.get("beta", 0.1)
    trainer.desirable_weight = options.get("desirableWeight", 1.0)
    trainer.undesirable_weight = options.get("undesirableWeight", 1.0)
    trainer._metrics = {mode: defaultdict(list) for mode in ("train", "eval")}
    trainer._total_train_tokens, trainer._tp_size = 0, 1
    return trainer


def run_case(name, options):
    rows = INPUTS[name]
    names = [(side_of(row), "mismatched") for row in rows]
    variables = [
        {each: torch.tensor(row[each]["policy"], requires_grad=True) for each in sides} for row, sides in zip(rows, names)
    ]
    trainer = trainer_of(rows, variables, options)
    batch = batch_of(rows)
    if not trainer.calculate_KL:
        batch = {key: value for key, value in batch.items() if not key.startswith("KL_")}
    loss = trainer._compute_loss(trainer.model, batch, return_outputs=False)
    loss.backward()
    metrics = {key: values[0] for key, values in trainer._metrics["train"].items()}
    kept = {key: value for key, value in metrics.items() if key == "kl" or key.startswith(("rewards/", "logps/"))}
    title = ", ".join(f"{key} {value}" for key, value in options.items()) or "defaults"
    case = {"name": title, "inputs": name, "options": options, "source": "trl", "loss": loss.item(), "items": None}
    gradient = [{side: gradient_of(tensor) for side, tensor in values.items()} for values in variables]
    return case | {"gradient": gradient, "metrics": kept}


OPTIONS = [
    {},
    {"beta": 0.5},
    {"desirableWeight": 1.33, "undesirableWeight": 0.5},
    {"variant": "apo_zero_unpaired"},
    {"variant": "apo_zero_unpaired", "beta": 0.3, "undesirableWeight": 2.0},
]


def main():
    cases = [run_case(name, options) for name in INPUTS for options in OPTIONS]
    about = f"Written by oracles/losses with trl {version('trl')}, torch {version('torch')}; float64."
    lines = ",\n".join(json.dumps(case) for case in cases)
    path = ROOT / "packages" / "loss-kto" / "fixtures" / "kto.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'{{"about": {json.dumps(about)},\n"inputs": {json.dumps(INPUTS)},\n"cases": [\n{lines}\n]}}\n')
    print(f"{path.relative_to(ROOT)}: {len(cases)} cases; kl {[case['metrics'].get('kl') for case in cases]}")


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    main()
