# SPDX-License-Identifier: Apache-2.0
"""Factors of Transformers' learning-rate schedules without warm-up, for steps 0 … 19 of 20 (llmf counts from 1)."""
import json
from pathlib import Path

import torch
from transformers import get_constant_schedule, get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup
from transformers import get_cosine_with_min_lr_schedule_with_warmup, get_inverse_sqrt_schedule
from transformers import get_polynomial_decay_schedule_with_warmup, get_wsd_schedule

OUT = Path(__file__).resolve().parents[2] / "packages" / "training" / "fixtures" / "schedules.json"


def factors(make) -> list[float]:
    schedule = make(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0))
    return [schedule.lr_lambdas[0](step) for step in range(20)]


OUT.write_text(json.dumps({
    "constant": factors(get_constant_schedule),
    "linear": factors(lambda optimizer: get_linear_schedule_with_warmup(optimizer, 0, 20)),
    "cosine": factors(lambda optimizer: get_cosine_schedule_with_warmup(optimizer, 0, 20)),
    "warmup_stable_decay": factors(
        lambda optimizer: get_wsd_schedule(optimizer, num_warmup_steps=0, num_decay_steps=4, num_training_steps=20)
    ),
    "cosineWithMinimum": factors(
        lambda optimizer: get_cosine_with_min_lr_schedule_with_warmup(optimizer, 0, 20, min_lr_rate=0.1)
    ),
    "inverseSqrt": factors(lambda optimizer: get_inverse_sqrt_schedule(optimizer, 0, timescale=7)),
    "inverseSqrt after 5 steps of warm-up": factors(lambda optimizer: get_inverse_sqrt_schedule(optimizer, 5)),
    "polynomial": factors(
        lambda optimizer: get_polynomial_decay_schedule_with_warmup(optimizer, 0, 20, lr_end=0.05, power=2.0)
    ),
}))
print("wrote", OUT)
