# SPDX-License-Identifier: Apache-2.0
"""
Fixtures of packages/loss-orpo: ORPOTrainer.get_batch_loss_metrics of TRL 1.13 itself, on stub models.

TRL casts the means to float32 with `.float()`; here that method keeps float64. Restated: the forms that TRL does not
offer, its odds-ratio term with a likelihood over the answer alone, or averaged per answer (LLaMA-Factory's
`odds_ratio_loss`).
"""

from unittest.mock import patch

import torch
from inputs import INPUTS, paired_batch, stub_accelerator
from trl.experimental.orpo import ORPOTrainer

from fixtures import run_case, write


def trl_trainer(options):
    trainer = ORPOTrainer.__new__(ORPOTrainer)
    trainer.accelerator = stub_accelerator()
    trainer.is_encoder_decoder, trainer.aux_loss_enabled, trainer.padding_value = False, False, 0
    trainer.beta = options.get("beta", 0.1)
    return trainer


def trl_loss(pairs, variables, options):
    batch, model = paired_batch(pairs, variables, with_prompt=True)
    with patch.object(torch.Tensor, "float", torch.Tensor.double):
        return trl_trainer(options).get_batch_loss_metrics(model, batch)[0]


def other_likelihood(pairs, variables, options):
    likelihood = {"span": "all", "reduction": "token", "weight": 1.0} | options["likelihood"]
    means = [torch.stack([variable[side].mean() for variable in variables]) for side in ("chosen", "rejected")]
    with patch.object(torch.Tensor, "float", torch.Tensor.double):
        odds = trl_trainer(options).odds_ratio_loss(*means)[0]
    with_prompt = likelihood["span"] == "all"
    rows = [torch.cat([v["prompt"], v["chosen"]]) if with_prompt else v["chosen"] for v in variables]
    each = torch.cat(rows) if likelihood["reduction"] == "token" else torch.stack([row.mean() for row in rows])
    return -likelihood["weight"] * each.mean() - odds.mean()


TRL = [{}, {"beta": 0.5}]
OTHER = [
    {"likelihood": {"span": "response"}},
    {"likelihood": {"span": "response", "reduction": "answer"}},
    {"likelihood": {"span": "all", "reduction": "answer"}, "beta": 0.2},
    {"likelihood": {"weight": 0.5}},
    {"likelihood": {"weight": 0.0}},
]


def main():
    cases = [run_case(name, options, "trl", trl_loss, coupled=True) for name in INPUTS for options in TRL]
    for options in OTHER:
        reduction, weight = options["likelihood"].get("reduction"), options["likelihood"].get("weight")
        coupled = reduction != "answer" and weight != 0
        cases += [run_case(name, options, "closed form", other_likelihood, coupled) for name in INPUTS]
    write("loss-orpo", cases)


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    main()
