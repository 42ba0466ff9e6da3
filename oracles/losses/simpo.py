# SPDX-License-Identifier: Apache-2.0
"""
Fixtures of packages/loss-simpo: CPOTrainer.get_batch_loss_metrics of TRL 1.13 itself, on stub models, in float64.

Restated: the hinge form with target margin, which TRL has not; SimPO's own trainer has it
(https://github.com/princeton-nlp/SimPO, scripts/simpo_trainer.py, `simpo_loss`).
"""

import torch
from inputs import INPUTS, paired_batch, stub_accelerator
from trl.experimental.cpo import CPOTrainer

from fixtures import run_case, write

DEFAULTS = {"beta": 2.0, "gamma": 1.0, "variant": "sigmoid", "labelSmoothing": 0.0, "alpha": 0.0, "cpoAlpha": 0.0}


def trl_loss(pairs, variables, options):
    chosen = DEFAULTS | {"lengthNormalized": True} | options
    trainer = CPOTrainer.__new__(CPOTrainer)
    trainer.accelerator = stub_accelerator()
    trainer.is_encoder_decoder, trainer.aux_loss_enabled, trainer.pad_token_id = False, False, 0
    trainer.beta, trainer.simpo_gamma = chosen["beta"], chosen["gamma"]
    trainer.loss_type = "simpo" if chosen["lengthNormalized"] else chosen["variant"]
    assert trainer.loss_type == "simpo" or chosen["gamma"] == 0
    trainer.label_smoothing, trainer.alpha = chosen["labelSmoothing"], chosen["alpha"]
    trainer.cpo_alpha = chosen["cpoAlpha"]
    batch, model = paired_batch(pairs, variables, with_prompt=False)
    return trainer.get_batch_loss_metrics(model, batch)[0]


def hinge(pairs, variables, options):
    chosen = DEFAULTS | options
    margins = [variable["chosen"].mean() - variable["rejected"].mean() for variable in variables]
    return torch.relu(1 - (chosen["beta"] * torch.stack(margins) - chosen["gamma"])).mean()


CASES = [
    {},
    {"beta": 2.5, "gamma": 0.5},
    {"beta": 10.0, "gamma": 5.0},
    {"gamma": 0.0},
    {"labelSmoothing": 0.1},
    {"cpoAlpha": 1.0},
    {"cpoAlpha": 0.1, "labelSmoothing": 0.2},
    {"lengthNormalized": False, "gamma": 0.0, "beta": 0.1, "cpoAlpha": 1.0},
    {"lengthNormalized": False, "gamma": 0.0, "beta": 0.1, "labelSmoothing": 0.1},
    {"lengthNormalized": False, "gamma": 0.0, "beta": 0.1, "variant": "hinge"},
]
ALPHA = [{"alpha": 0.25}, {"alpha": -0.5}, {"alpha": 1.0, "beta": 0.5}, {"alpha": 0.01, "cpoAlpha": 1.0}]
HINGE = [{"variant": "hinge"}, {"variant": "hinge", "beta": 0.5, "gamma": 0.2}]


def case(options, name, source, loss):
    return run_case(name, options, source, loss, coupled=options.get("cpoAlpha", 0) != 0)


def main():
    cases = [case(options, name, "trl", trl_loss) for name in INPUTS for options in CASES]
    cases += [case(options, name, "trl", trl_loss) for name in ("ordinary", "wide") for options in ALPHA]
    cases += [case(options, name, "closed form", hinge) for name in INPUTS for options in HINGE]
    write("loss-simpo", cases)


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    main()
