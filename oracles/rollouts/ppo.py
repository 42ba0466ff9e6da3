# SPDX-License-Identifier: Apache-2.0
"""
Fixtures of packages/algo-ppo: PPO's loss and its gradients with respect to log-probs, values and entropies, as TRL's
PPOTrainer and trlX's PPOConfig.loss have them, on padded arrays with masks, in float64.
"""

import json
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
LENGTHS = [3, 1, 6, 4]
WIDTH = max(LENGTHS)
MASK = torch.tensor([[at < length for at in range(WIDTH)] for length in LENGTHS])
torch.manual_seed(11)


def padded(scale=1.0, shift=0.0):
    values = torch.randn(MASK.shape, dtype=torch.float64) * scale + shift
    return torch.where(MASK, values, 0).float().double()  # exact in float32


def ragged(array):
    return [row[:length].tolist() for row, length in zip(array, LENGTHS)]


def masked_mean(values):
    return (values * MASK).sum() / MASK.sum()


def ppo(new, old, advantages, values, old_values, returns, entropy, options):
    clip, value_clip = options["clipRange"], options["valueClipRange"]
    ratio = torch.exp(new - old)
    pg_losses = -advantages * ratio
    pg_losses2 = -advantages * torch.clamp(ratio, 1.0 - clip, 1.0 + clip)
    pg_loss = masked_mean(torch.max(pg_losses, pg_losses2))
    clipped = torch.clamp(values, old_values - value_clip, old_values + value_clip)
    vf_losses1, vf_losses2 = torch.square(values - returns), torch.square(clipped - returns)
    vf_loss = 0.5 * masked_mean(torch.max(vf_losses1, vf_losses2))
    loss = pg_loss + options["valueCoefficient"] * vf_loss - options["entropyCoefficient"] * masked_mean(entropy)
    metrics = {
        "loss/policy_avg": pg_loss,
        "loss/value_avg": vf_loss,
        "policy/clipfrac_avg": masked_mean((pg_losses2 > pg_losses).double()),
        "val/clipfrac_avg": masked_mean((vf_losses2 > vf_losses1).double()),
        "policy/approxkl_avg": 0.5 * masked_mean((new - old) ** 2),
        "val/ratio": masked_mean(ratio),
    }
    return loss, metrics


def main():
    old, advantages, old_values = padded(0.5, -2), padded(), padded(0.5)
    inputs = {
        "new": old + padded(0.3),
        "old": old,
        "advantages": advantages,
        "values": old_values + padded(0.4),
        "old_values": old_values,
        "returns": old_values + padded(0.6),
        "entropy": padded(0.2, 1.5),
    }
    inputs = {name: value.float().double() for name, value in inputs.items()}
    cases = []
    for clip, value_clip, vf, entropy in [(0.2, 0.2, 0.1, 0.0), (0.2, 0.2, 1.0, 0.0), (0.05, 0.4, 0.5, 0.01)]:
        options = dict(clipRange=clip, valueClipRange=value_clip, valueCoefficient=vf, entropyCoefficient=entropy)
        leaves = {name: inputs[name].clone().requires_grad_() for name in ("new", "values", "entropy")}
        loss, metrics = ppo(**(inputs | leaves), options=options)
        loss.backward()
        gradients = {
            name: None if leaf.grad is None or not leaf.grad.any() else ragged(leaf.grad)
            for name, leaf in leaves.items()
        }
        metrics = {name: value.item() for name, value in metrics.items()}
        cases.append({"options": options, "loss": loss.item(), "metrics": metrics, "gradients": gradients})
    fixture = {
        "about": f"Written by oracles/rollouts/ppo.py with torch {torch.__version__}; float64.",
        "inputs": {name: ragged(value) for name, value in inputs.items()},
        "cases": cases,
    }
    path = ROOT / "packages" / "algo-ppo" / "fixtures" / "ppo.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(fixture, indent=1) + "\n")
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
