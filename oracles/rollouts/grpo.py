# SPDX-License-Identifier: Apache-2.0
"""
Fixtures of packages/algo-grpo: the loss of TRL's GRPOTrainer and RLOOTrainer and its gradient, by their own
`_compute_loss` on given log-probs, and advantages as both compute them, in float64.
"""

import json
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import torch
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.rloo_trainer import RLOOTrainer
from trl.trainer.utils import nanstd

ROOT = Path(__file__).resolve().parents[2]
GROUPS = [[3, 1, 6], [4, 2, 5], [1, 1, 2]]
LENGTHS = [length for group in GROUPS for length in group]
LIMIT = 8
MASK = torch.tensor([[at < length for at in range(max(LENGTHS))] for length in LENGTHS])
torch.manual_seed(5)


def padded(scale=1.0, shift=0.0):
    values = torch.randn(MASK.shape, dtype=torch.float64) * scale + shift
    return torch.where(MASK, values, 0).float().double()


def ragged(array):
    return [row[:length].tolist() for row, length in zip(array, LENGTHS)]


class Accelerator:
    num_processes = 1
    sync_gradients = False
    gather = gather_for_metrics = staticmethod(lambda value: value)
    reduce = staticmethod(lambda value, reduction: value)


def trainer(logps, entropies, corrected=False, **settings):
    """As much of a trainer as `_compute_loss` reads."""
    return SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *_, **__: (logps, entropies, None),
        model=SimpleNamespace(training=True),
        accelerator=Accelerator(),
        _metrics=defaultdict(lambda: defaultdict(list)),
        aux_loss_enabled=False,
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        use_vllm=False,
        vllm_importance_sampling_correction=False,
        current_gradient_accumulation_steps=1,
        max_completion_length=LIMIT,
        _last_world_entropy=None,
        use_adaptive_entropy=False,
        args=SimpleNamespace(use_bias_correction_kl=corrected, delta=None, steps_per_generation=1),
        **settings,
    )


def inputs_of(old, reference, advantages):
    return {
        "prompt_ids": torch.zeros(len(LENGTHS), 1),
        "prompt_mask": torch.ones(len(LENGTHS), 1),
        "completion_ids": torch.zeros(MASK.shape),
        "completion_mask": MASK.double(),
        "old_per_token_logps": old,
        "old_logps": (old * MASK).sum(1),
        "ref_per_token_logps": reference,
        "advantages": advantages,
        "num_items_in_batch": MASK.sum(),
    }


def loss_case(variant, options, new, old, reference, entropy, advantages):
    leaf = new.clone().requires_grad_()
    beta = options.get("klCoefficient", 0.0)
    common = dict(
        beta=beta,
        epsilon_low=options["clipRange"],
        epsilon_high=options["clipRangeHigh"],
        entropy_coef=options.get("entropyCoefficient", 0.0),
        _entropy_bonus_enabled=options.get("entropyCoefficient", 0.0) != 0,
    )
    common["corrected"] = options.get("klCorrection", False)
    inputs = inputs_of(old, reference, advantages)
    if variant == "rloo":
        loss = RLOOTrainer._compute_loss(trainer(leaf, entropy, **common), None, inputs)
    else:
        kind = {"gspo": "grpo"}.get(variant, variant)
        level = "sequence" if variant == "gspo" else "token"
        self = trainer(leaf, entropy, loss_type=kind, importance_sampling_level=level, **common)
        loss = GRPOTrainer._compute_loss(self, None, inputs)
    loss.backward()
    return {"variant": variant, "options": options, "loss": loss.item(), "gradient": ragged(leaf.grad)}


def grpo_advantages(rewards, scale):
    size = rewards.shape[1]
    flat = rewards.flatten()
    mean = rewards.nanmean(1).repeat_interleave(size)
    std = nanstd(flat).expand_as(flat) if scale == "batch" else nanstd(rewards, dim=1).repeat_interleave(size)
    advantages = flat - mean
    if scale != "none":
        advantages = advantages / (std + 1e-4)
    return torch.nan_to_num(advantages, nan=0.0).view(-1, size).tolist()


def rloo_advantages(rewards):
    counts = (~torch.isnan(rewards)).sum(1, keepdim=True)
    baselines = (rewards.nansum(1, keepdim=True) - rewards) / (counts - 1)
    return torch.nan_to_num(rewards - baselines, nan=0.0).tolist()


def main():
    old, reference, entropy = padded(0.5, -2), padded(0.5, -2), padded(0.2, 1.5)
    new = (old + padded(0.15)).float().double()
    advantages = torch.randn(len(LENGTHS), dtype=torch.float64).float().double()
    clip = {"clipRange": 0.2, "clipRangeHigh": 0.2}
    cases = [
        loss_case(variant, options, new, old, reference, entropy, advantages)
        for variant, options in [
            ("grpo", clip),
            ("grpo", clip | {"klCoefficient": 0.04, "klCorrection": False}),
            ("grpo", clip | {"klCoefficient": 0.04, "klCorrection": True}),
            ("dr_grpo", clip),
            ("dapo", {"clipRange": 0.2, "clipRangeHigh": 0.28}),
            ("dapo", clip | {"klCoefficient": 0.1, "klCorrection": False, "entropyCoefficient": 0.01}),
            ("gspo", {"clipRange": 0.03, "clipRangeHigh": 0.04}),
            ("gspo", clip | {"klCoefficient": 0.1, "klCorrection": True}),
            ("rloo", clip),
        ]
    ]
    nan = float("nan")
    rewards = torch.tensor([[1.0, 0.0, 0.5], [2.0, 2.0, 2.0], [0.3, nan, -1.0], [nan, 1.5, nan]], dtype=torch.float64)
    fixture = {
        "about": f"Written by oracles/rollouts/grpo.py with trl {version('trl')}, torch {torch.__version__}; float64.",
        "groups": GROUPS,
        "limit": LIMIT,
        "inputs": {
            "new": ragged(new),
            "old": ragged(old),
            "reference": ragged(reference),
            "entropy": ragged(entropy),
            "advantages": advantages.tolist(),
        },
        "cases": cases,
        "scores": [[None if value != value else value for value in row] for row in rewards.tolist()],
        "advantages": {
            "group": grpo_advantages(rewards, "group"),
            "batch": grpo_advantages(rewards, "batch"),
            "mean": grpo_advantages(rewards, "none"),
            "leaveOneOut": rloo_advantages(rewards),
        },
    }
    path = ROOT / "packages" / "algo-grpo" / "fixtures" / "grpo.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fixture, indent=1) + "\n")
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
