"""Fifty steps of SGD, Lion and Adafactor on a matrix and a vector under a warmed-up, falling rate, in float64.

SGD is torch.optim's. Adafactor is Transformers' with a rate of its own (no relative step), as its Trainer sets it up. Lion
has no implementation in either: the closed form of Chen et al., "Symbolic discovery of optimization algorithms", 2023,
algorithm 2. Weight decay acts on the matrix only.
"""
import json
from pathlib import Path

import torch
import transformers
from transformers import Adafactor

OUT = Path(__file__).resolve().parents[2] / "packages" / "training" / "fixtures" / "optimizers.json"
STEPS = 50
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)

START = {"matrix": torch.randn(3, 4), "vector": torch.randn(4)}
GRADIENTS = [{"matrix": torch.randn(3, 4), "vector": 0.1 * torch.randn(4)} for _ in range(STEPS)]
RATES = [0.01 * min(1.0, step / 5) * (1 - (step - 1) / STEPS) for step in range(1, STEPS + 1)]


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                update = torch.sign(beta1 * m + (1 - beta1) * p.grad)
                p.sub_(group["lr"] * (update + group["weight_decay"] * p))
                m.mul_(beta2).add_(p.grad, alpha=1 - beta2)


def trajectory(make) -> list[dict]:
    values = {name: torch.nn.Parameter(start.clone()) for name, start in START.items()}
    groups = [
        {"params": [values["matrix"]], "weight_decay": 0.1},
        {"params": [values["vector"]], "weight_decay": 0.0},
    ]
    optimizer = make(groups)
    steps = []
    for gradients, rate in zip(GRADIENTS, RATES):
        for name, value in values.items():
            value.grad = gradients[name].clone()
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        steps.append({name: value.tolist() for name, value in values.items()})
    return steps[::7] + [steps[-1]]


CASES = {
    "sgd": ("sgd", {}, lambda groups: torch.optim.SGD(groups, lr=1.0)),
    "sgd with momentum": ("sgd", {"momentum": 0.9}, lambda groups: torch.optim.SGD(groups, lr=1.0, momentum=0.9)),
    "sgd with dampening": (
        "sgd", {"momentum": 0.9, "dampening": 0.3},
        lambda groups: torch.optim.SGD(groups, lr=1.0, momentum=0.9, dampening=0.3),
    ),
    "sgd with Nesterov's momentum": (
        "sgd", {"momentum": 0.8, "nesterov": True},
        lambda groups: torch.optim.SGD(groups, lr=1.0, momentum=0.8, nesterov=True),
    ),
    "lion": ("lion", {}, lambda groups: Lion(groups, lr=1.0)),
    "adafactor": (
        "adafactor", {},
        lambda groups: Adafactor(groups, lr=1.0, scale_parameter=False, relative_step=False, warmup_init=False),
    ),
    "adafactor scaled by the parameter, with momentum": (
        "adafactor", {"scaleParameter": True, "beta1": 0.9},
        lambda groups: Adafactor(
            groups, lr=1.0, scale_parameter=True, relative_step=False, warmup_init=False, beta1=0.9
        ),
    ),
    "adamw": ("adamw", {}, lambda groups: torch.optim.AdamW(groups, lr=1.0)),
}
OUT.write_text(json.dumps({
    "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    "weightDecay": 0.1,
    "start": {name: value.tolist() for name, value in START.items()},
    "rates": RATES,
    "gradients": [{name: value.tolist() for name, value in step.items()} for step in GRADIENTS],
    "steps": list(range(1, STEPS + 1, 7)) + [STEPS],
    "cases": {
        title: {"optimizer": name, "options": options, "values": trajectory(make)}
        for title, (name, options, make) in CASES.items()
    },
}))
print("wrote", OUT)
