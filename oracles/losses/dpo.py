# SPDX-License-Identifier: Apache-2.0
"""
Fixtures of packages/loss-dpo: DPOTrainer._compute_loss of TRL 1.13 itself, on stub models, in float64.

Two cases are restated here, each with its reason: label smoothing of `sigmoid`, which TRL ignores without a word, and
the α-divergence, which TRL computes in float32 only (the restatement is held against it below).
"""

import math
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from inputs import INPUTS, constants, leaves, padded_logits, stub_accelerator, stub_model
from trl import DPOTrainer

from fixtures import run_case, write

TRL_DIVERGENCE = {"reverse_kl": "reverse_kl", "forward_kl": "forward_kl", "js": "js_divergence", "alpha": "alpha_divergence"}


def trl_loss(pairs, variables, options, dtype=torch.float64):
    sides = ("chosen", "rejected")
    policy = [variable[side] for side in sides for variable in variables]  # TRL's order: all chosen, then all rejected
    reference = [constant[side] for side in sides for constant in constants(pairs, dtype)]
    longest = max(len(row) for row in policy)
    mask = torch.tensor([[0] + [1] * len(row) + [0] * (longest - len(row)) for row in policy])
    trainer = DPOTrainer.__new__(DPOTrainer)
    trainer.model = stub_model(padded_logits(policy))
    trainer.ref_model = stub_model(padded_logits(reference))
    trainer.accelerator = stub_accelerator()
    trainer.args = SimpleNamespace(gradient_checkpointing_kwargs=None, discopop_tau=options.get("discopopTau", 0.05))
    trainer.aux_loss_enabled = False
    trainer.precompute_ref_logps = False
    trainer.loss_types = [options.get("variant", "sigmoid")]
    trainer.loss_weights = [1.0]
    trainer.beta = options.get("beta", 0.1)
    trainer.label_smoothing = options.get("labelSmoothing", 0.0)
    trainer.f_divergence_type = TRL_DIVERGENCE[options.get("divergence", "reverse_kl")]
    trainer.f_alpha_divergence_coef = options.get("alphaCoefficient", 0.5)
    trainer.ld_alpha = options.get("ldAlpha")
    trainer.use_weighting = options.get("wpo", False)
    trainer._metrics = {mode: Recorder() for mode in ("train", "eval")}
    trainer._total_train_tokens, trainer._tp_size = 0, 1
    inputs = {
        "input_ids": torch.zeros(mask.shape, dtype=torch.long),
        "attention_mask": torch.ones_like(mask),
        "completion_mask": mask,
    }
    return trainer._compute_loss(trainer.model, inputs, return_outputs=False)


class Recorder(dict):
    def __missing__(self, key):
        self[key] = []
        return self[key]


def log_ratios(pairs, variables):
    ratios = [
        [variable[side].sum() - constant[side].sum() for variable, constant in zip(variables, constants(pairs))]
        for side in ("chosen", "rejected")
    ]
    return torch.stack(ratios[0]), torch.stack(ratios[1])


def smoothed_sigmoid(pairs, variables, options):
    """Conservative DPO: Mitchell, "A note on DPO with noisy preferences", 2023, eq. 3 (TRL up to 0.24)."""
    chosen, rejected = log_ratios(pairs, variables)
    delta, smoothing = options.get("beta", 0.1) * (chosen - rejected), options["labelSmoothing"]
    return (-(1 - smoothing) * F.logsigmoid(delta) - smoothing * F.logsigmoid(-delta)).mean()


def alpha_divergence(pairs, variables, options):
    """f'(t) = (t^(α−1) − 1) / (α − 1) of t = π / π_ref: Wang et al., arXiv:2309.16240, table 1, as in TRL."""
    chosen, rejected = log_ratios(pairs, variables)
    power = options["alphaCoefficient"] - 1
    score = lambda ratio: torch.expm1(power * ratio) / power  # noqa: E731
    delta = options.get("beta", 0.1) * (score(chosen) - score(rejected))
    if options.get("variant") == "hinge":
        return torch.relu(1 - delta).mean()
    return -F.logsigmoid(delta).mean()


def check_against_trl(pairs, variables, options):
    """The restated α-divergence is TRL's, as far as float32 can tell."""
    ours = alpha_divergence(pairs, variables, options).item()
    single = [{side: tensor.detach().float() for side, tensor in variable.items()} for variable in variables]
    theirs = trl_loss(pairs, single, options, torch.float32).item()
    assert math.isclose(ours, theirs, rel_tol=1e-5), (options, ours, theirs)


EVERYWHERE = [
    {},
    {"beta": 0.5},
    {"variant": "hinge"},
    {"variant": "hinge", "beta": 0.5},
    {"variant": "ipo"},
    {"variant": "ipo", "beta": 0.5},
    {"variant": "robust"},
    {"variant": "robust", "labelSmoothing": 0.1},
    {"variant": "exo_pair", "labelSmoothing": 0.001},
    {"variant": "exo_pair", "labelSmoothing": 0.2, "beta": 0.5},
    {"variant": "nca_pair"},
    {"variant": "nca_pair", "beta": 0.02},
    {"variant": "bco_pair"},
    {"variant": "sppo_hard"},
    {"variant": "sppo_hard", "beta": 0.5},
    {"variant": "aot"},
    {"variant": "aot", "labelSmoothing": 0.1},
    {"variant": "aot_unpaired"},
    {"variant": "aot_unpaired", "labelSmoothing": 0.3, "beta": 0.3},
    {"variant": "apo_zero"},
    {"variant": "apo_down"},
    {"variant": "apo_down", "beta": 0.5},
    {"variant": "discopop"},
    {"variant": "discopop", "discopopTau": 0.5, "beta": 0.05},
    {"variant": "sigmoid_norm"},
    {"variant": "sigmoid_norm", "beta": 2.0},
    {"ldAlpha": 0.0},
    {"ldAlpha": 0.3},
    {"ldAlpha": 0.3, "variant": "ipo"},
    {"ldAlpha": 0.5, "variant": "sppo_hard"},
    {"ldAlpha": 0.5, "variant": "aot"},
    {"wpo": True},
    {"wpo": True, "variant": "ipo"},
    {"wpo": True, "variant": "apo_zero", "ldAlpha": 0.5},
    {"divergence": "js"},
    {"divergence": "js", "variant": "ipo"},
]
# Not on the extreme pairs: e^(several hundred) is no number to compare. See divergence.ts for what llmf does there.
BOUNDED = [
    {"divergence": "forward_kl"},
    {"divergence": "forward_kl", "variant": "sigmoid_norm"},
    {"divergence": "forward_kl", "variant": "robust", "labelSmoothing": 0.2},
    {"divergence": "forward_kl", "variant": "hinge"},
    {"divergence": "js", "variant": "exo_pair", "labelSmoothing": 0.01},
    {"divergence": "js", "variant": "discopop"},
    {"divergence": "js", "ldAlpha": 0.5, "wpo": True},
    {"divergence": "alpha", "alphaCoefficient": 1.0},
]
SMOOTHED = [{"labelSmoothing": 0.1}, {"labelSmoothing": 0.3, "beta": 0.5}]
ALPHA = [
    {"divergence": "alpha", "alphaCoefficient": 0.5},
    {"divergence": "alpha", "alphaCoefficient": 0.0, "variant": "hinge"},
    {"divergence": "alpha", "alphaCoefficient": 2.0, "beta": 0.02},
]


def case(options, inputs, source, loss):
    return run_case(inputs, options, source, loss, coupled=options.get("variant", "sigmoid").startswith("aot"))


def main():
    cases = [case(options, name, "trl", trl_loss) for name in INPUTS for options in EVERYWHERE]
    cases += [case(options, name, "trl", trl_loss) for name in ("ordinary", "wide") for options in BOUNDED]
    cases += [case(options, name, "closed form", smoothed_sigmoid) for name in INPUTS for options in SMOOTHED]
    cases += [case(options, name, "closed form", alpha_divergence) for name in ("ordinary", "wide") for options in ALPHA]
    for options in ALPHA:
        check_against_trl(INPUTS["ordinary"], leaves(INPUTS["ordinary"]), options)
    write("loss-dpo", cases, with_squares=True)


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    main()
