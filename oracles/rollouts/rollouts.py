# SPDX-License-Identifier: Apache-2.0
"""
Fixtures of packages/rollouts: KL estimates, rewards of tokens, generalized advantages, whitening, adaptive KL, running
moments and shaped scores, on padded arrays with masks, in float64.
"""

import json
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(7)
LENGTHS = [1, 2, 5, 9, 4]
WIDTH = max(LENGTHS)
MASK = np.array([[at < length for at in range(WIDTH)] for length in LENGTHS])


def padded(scale=1.0, shift=0.0):
    """In float32, which is what both sides have of log-probs and values."""
    return np.where(MASK, rng.normal(shift, scale, MASK.shape), 0).astype(np.float32).astype(np.float64)


def ragged(array):
    return [row[:length].tolist() for row, length in zip(array, LENGTHS)]


def kl(logprobs, reference, estimator):
    logr = reference - logprobs
    return np.where(MASK, -logr if estimator == "k1" else (np.exp(logr) - 1) - logr, 0)


def token_rewards(kls, scores, dense, beta):
    rewards = dense - beta * kls
    for row, length in enumerate(LENGTHS):
        rewards[row, length - 1] += scores[row]
    return np.where(MASK, rewards, 0)


def advantages(rewards, values, gamma, lam):
    """TRL's and trlX's loop: from the right, over the padded width; padding has reward and value 0."""
    last = np.zeros(len(LENGTHS))
    reversed_ = []
    for t in reversed(range(WIDTH)):
        following = values[:, t + 1] if t < WIDTH - 1 else 0.0
        delta = rewards[:, t] + gamma * following - values[:, t]
        last = delta + gamma * lam * last
        reversed_.append(last)
    advantage = np.where(MASK, np.stack(reversed_[::-1], axis=1), 0)
    return advantage, np.where(MASK, advantage + values, 0)


def masked_whiten(values, shift_mean):
    mask = torch.tensor(MASK)
    values = torch.tensor(values)
    mean = (values * mask).sum() / mask.sum()
    variance = (((values - mean) ** 2) * mask).sum() / mask.sum()
    variance = variance * mask.sum() / (mask.sum() - 1)  # Bessel's correction
    whitened = (values - mean) * torch.rsqrt(variance + 1e-8)
    if not shift_mean:
        whitened += mean
    return whitened.numpy()


class RunningMoments:
    """trlX's utils/modeling.py and TRL 0.9.6's core.py, without their eps in the count."""

    def __init__(self):
        self.mean, self.std, self.var, self.count = 0.0, 1.0, 1.0, 1e-24

    def update(self, xs):
        n = xs.size
        mean, var = xs.mean(), xs.var()
        delta = mean - self.mean
        total = self.count + n
        new_sum = var * n
        old_sum = self.var * self.count + delta**2 * self.count * n / total
        self.mean += delta * n / total
        self.var = (old_sum + new_sum) / total
        self.std = np.sqrt(self.var * total / (total - 1))
        self.count = total


def shaped(batches, cut_off, scaling, clip, penalty):
    moments, reference, results = RunningMoments(), None, []
    for scores, ends in zip(batches, cut_off):
        scores = scores - np.where(ends, penalty, 0)
        moments.update(scores)
        reference = reference or scores.std(ddof=1)
        if scaling == "running":
            scores = scores / (moments.std + 1e-8)
        if scaling == "first":
            scores = scores / (reference + 1e-8)
        if scaling == "normalized":
            scores = (scores - moments.mean) / (moments.std + 1e-8)
        results.append((np.clip(scores, -clip, clip) if clip else scores).tolist())
    return {"scaling": scaling, "clip": clip, "penalty": penalty, "expected": results}


def adaptive(kls, target, horizon, count, beta):
    betas = []
    for value in kls:
        beta *= 1 + np.clip(value / target - 1, -0.2, 0.2) * count / horizon
        betas.append(beta)
    return betas


def main():
    logprobs, reference = padded(shift=-2), padded(shift=-2)
    values, dense, scores = padded(), padded(0.3), rng.normal(size=len(LENGTHS))
    batches = [rng.normal(3, 2, size) for size in (4, 2, 5)]
    cut_off = [rng.random(batch.size) < 0.4 for batch in batches]
    cases = []
    for estimator, beta, gamma, lam in [("k1", 0.05, 1.0, 0.95), ("k3", 0.2, 0.9, 0.8), ("k1", 0.0, 1.0, 1.0)]:
        kls = kl(logprobs, reference, estimator)
        rewards = token_rewards(kls, scores, dense, beta)
        advantage, returns = advantages(rewards, values, gamma, lam)
        cases.append(
            {
                "estimator": estimator,
                "coefficient": beta,
                "gamma": gamma,
                "lambda": lam,
                "kl": ragged(kls),
                "rewards": ragged(rewards),
                "advantages": ragged(advantage),
                "returns": ragged(returns),
                "whitened": ragged(masked_whiten(advantage, True)),
                "whitenedRewards": ragged(masked_whiten(rewards, False)),
            }
        )
    fixture = {
        "about": f"Written by oracles/rollouts/rollouts.py with numpy {np.__version__}, torch {torch.__version__}; float64.",
        "logProbs": ragged(logprobs),
        "reference": ragged(reference),
        "values": ragged(values),
        "tokenScores": ragged(dense),
        "scores": scores.tolist(),
        "cases": cases,
        "scoreBatches": [batch.tolist() for batch in batches],
        "cutOff": [ends.tolist() for ends in cut_off],
        "shaped": [
            shaped(batches, cut_off, scaling, clip, penalty)
            for scaling, clip, penalty in [
                ("none", None, 1),
                ("running", 10, 0),
                ("first", 1.5, 0),
                ("normalized", None, 1),
                ("none", 2, 0),
            ]
        ],
        "adaptive": {
            "kl": [0.1, 5.9, 6.3, 60, 7.5, 0],
            "target": 6,
            "horizon": 10000,
            "answers": 128,
            "coefficient": 0.2,
            "expected": adaptive([0.1, 5.9, 6.3, 60, 7.5, 0], 6, 10000, 128, 0.2),
        },
    }
    path = ROOT / "packages" / "rollouts" / "fixtures" / "rollouts.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(fixture, indent=1) + "\n")
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
