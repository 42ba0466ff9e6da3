# SPDX-License-Identifier: Apache-2.0
"""
Fixture of packages/algo-reward: pairs by RewardTrainer.compute_loss of TRL 1.13 itself on a stub model, rankings by the
formulas of their papers, in float64; loss, loss per group and gradient for every score.
"""

import itertools
import json
import random
from collections import defaultdict
from importlib.metadata import version
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from inputs import stub_accelerator
from trl import RewardTrainer

from fixtures import ROOT

QUANTUM = 2.0**-10


def draw(seed, sizes, spread):
    generator = random.Random(seed)
    value = lambda: round(generator.gauss(0, spread) / QUANTUM) * QUANTUM  # noqa: E731
    return [
        {"scores": [value() for _ in range(size)], "gap": abs(value())} for size in sizes
    ]


INPUTS = {
    "pairs": draw(1, [2] * 6, 1.0),
    "wide pairs": draw(2, [2] * 4, 20.0),
    "rankings": draw(3, [3, 2, 5, 4, 2, 5], 1.5),
    "wide rankings": draw(4, [4, 3], 30.0),
}


def trl(groups, scores, options):
    logits = torch.stack([row[side] for side in (0, 1) for row in scores])[:, None]
    trainer = RewardTrainer.__new__(RewardTrainer)
    trainer.model = SimpleNamespace(training=True)
    trainer.accelerator = stub_accelerator()
    trainer.args = SimpleNamespace(center_rewards_coefficient=options.get("centerCoefficient"))
    trainer._metrics = {"train": defaultdict(list)}
    trainer._total_train_tokens, trainer._tp_size = 0, 1
    inputs = {"attention_mask": torch.ones(len(logits), 1)}
    if options.get("margin"):
        inputs["margin"] = torch.tensor([group["gap"] for group in groups])
    loss = trainer.compute_loss(lambda **_: SimpleNamespace(logits=logits), inputs)
    return loss, {name: values[0] for name, values in trainer._metrics["train"].items() if name != "num_tokens"}


def plackett_luce(row):
    return -sum(row[at] - torch.logsumexp(row[at:], 0) for at in range(len(row) - 1))


def pairwise(row):
    return torch.stack([-F.logsigmoid(better - worse) for better, worse in itertools.combinations(row, 2)]).mean()


def rrhf(row):
    return torch.stack([F.relu(worse - better) for better, worse in itertools.combinations(row, 2)]).sum()


FORMS = {"plackett-luce": plackett_luce, "pairwise": pairwise, "rrhf": rrhf}


def closed_form(groups, scores, options):
    form, center = FORMS[options.get("variant", "plackett-luce")], options.get("centerCoefficient", 0)
    losses = [form(row) + center * (2 * row.mean()) ** 2 for row in scores]
    taus = [sum((b > w).int() - (b < w).int() for b, w in itertools.combinations(row, 2)) / (len(row) * (len(row) - 1) / 2)
            for row in scores if len(row) > 2]
    return torch.stack(losses).mean(), {"kendall_tau": (sum(taus) / len(taus)).item()} if taus else {}


def run_case(name, options, source):
    groups = INPUTS[name]
    loss_of = trl if source == "trl" else closed_form
    scores = [torch.tensor(group["scores"], requires_grad=True) for group in groups]
    loss, metrics = loss_of(groups, scores, options)
    loss.backward()
    items = [loss_of([group], [torch.tensor(group["scores"])], options)[0].item() for group in groups]
    gradient = [row.grad.tolist() for row in scores]
    case = {"inputs": name, "options": options, "source": source, "loss": loss.item(), "items": items}
    return case | {"gradient": gradient, "metrics": metrics}


PAIRS = [{}, {"margin": "gap"}, {"centerCoefficient": 0.01}, {"margin": "gap", "centerCoefficient": 0.1}]
RANKINGS = [{"variant": variant, **more} for variant in FORMS for more in ({}, {"centerCoefficient": 0.05})]


def main():
    cases = [run_case(name, options, "trl") for name in ("pairs", "wide pairs") for options in PAIRS]
    cases += [run_case(name, options, "closed form") for name in INPUTS for options in RANKINGS]
    about = f"Written by oracles/losses/reward.py with trl {version('trl')}, torch {version('torch')}; float64."
    lines = ",\n".join(json.dumps(case) for case in cases)
    path = ROOT / "packages" / "algo-reward" / "fixtures" / "reward.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{{"about": {json.dumps(about)},\n"inputs": {json.dumps(INPUTS)},\n"cases": [\n{lines}\n]}}\n')
    print(f"{path.relative_to(ROOT)}: {len(cases)} cases")


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    main()
