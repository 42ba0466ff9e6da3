# SPDX-License-Identifier: Apache-2.0
"""Preference pairs as ragged per-token log-probs, and stub models that give exactly these."""

import random
from types import SimpleNamespace

import torch
from torch import nn

# Multiples of this: sums of a few hundred of them are exact in float32 too, so that a comparison tests the formula.
QUANTUM = 2.0**-10
# Every target token has this id; the rest of the probability is shared by the two others.
TARGET = 0
OTHERS = 0.7


def quantized(value):
    return min(-QUANTUM, round(value / QUANTUM) * QUANTUM)


def draw_answer(generator, length, mean, drift):
    """One answer: log-probs per token under the policy and, differing by about `drift`, under the reference."""
    policy = [quantized(-generator.expovariate(1 / mean)) for _ in range(length)]
    return {"policy": policy, "reference": [quantized(value + generator.gauss(0, drift)) for value in policy]}


def draw_pairs(seed, lengths, mean, drift):
    generator = random.Random(seed)
    return [
        {
            "prompt": [quantized(-generator.expovariate(1 / 3)) for _ in range(generator.randint(2, 5))],
            "chosen": draw_answer(generator, chosen, mean, drift),
            "rejected": draw_answer(generator, rejected, mean, drift),
        }
        for chosen, rejected in lengths
    ]


def one_sided(chosen, chosen_reference, rejected, rejected_reference, length):
    def side(value, reference):
        return {"policy": [value] * length, "reference": [reference] * length}

    return {
        "prompt": [-1.5, -0.25],
        "chosen": side(chosen, chosen_reference),
        "rejected": side(rejected, rejected_reference),
    }


# A pair list per name. `extreme` holds what training can meet at its worst: answers the policy has all but excluded or
# is certain of, so that log-ratios reach several hundred nats.
INPUTS = {
    "ordinary": draw_pairs(1, [(3, 5), (7, 2), (1, 1), (4, 4), (9, 6)], mean=1.5, drift=0.4),
    "wide": draw_pairs(2, [(6, 4), (2, 9), (5, 5)], mean=4.0, drift=3.0),
    "extreme": [
        one_sided(-40.0, -1.0, -QUANTUM, -1.0, 8),
        one_sided(-QUANTUM, -30.0, -60.0, -2.0, 8),
        one_sided(-QUANTUM, -QUANTUM, -QUANTUM, -QUANTUM, 3),
    ],
}


def leaves(pairs, dtype=torch.float64):
    """The policy's log-probs as tensors that gradients are taken of, in the layout of `pairs`."""
    return [
        {
            "prompt": torch.tensor(pair["prompt"], dtype=dtype, requires_grad=True),
            "chosen": torch.tensor(pair["chosen"]["policy"], dtype=dtype, requires_grad=True),
            "rejected": torch.tensor(pair["rejected"]["policy"], dtype=dtype, requires_grad=True),
        }
        for pair in pairs
    ]


def constants(pairs, dtype=torch.float64):
    return [
        {side: torch.tensor(pair[side]["reference"], dtype=dtype) for side in ("chosen", "rejected")} for pair in pairs
    ]


def token_logits(log_prob):
    """Logits over three tokens whose log-softmax at TARGET is `log_prob`, with slope exactly 1; already normalized."""
    rest = log1mexp(log_prob)
    log_others = torch.log(torch.tensor([OTHERS, 1 - OTHERS], dtype=log_prob.dtype))
    return torch.stack([log_prob, rest + log_others[0], rest + log_others[1]], dim=-1)


def log_sum_squared_probabilities(log_prob):
    probabilities = token_logits(torch.tensor(log_prob, dtype=torch.float64)).exp()
    return probabilities.square().sum(-1).log().tolist()


def log1mexp(x):
    return torch.where(x < -0.6931471805599453, torch.log1p(-torch.exp(x)), torch.log(-torch.expm1(x)))


def padded_logits(rows):
    """Rows of per-token log-probs as logits [rows, longest + 1, 3]; position t predicts token t + 1."""
    longest = max(len(row) for row in rows)
    padded = []
    for row in rows:
        filler = torch.zeros(longest + 1 - len(row), 3, dtype=row.dtype)
        padded.append(torch.cat([token_logits(row), filler]))
    return torch.stack(padded)


def stub_model(logits):
    """A model that answers with the given logits, whatever it is asked."""

    class Stub(nn.Module):
        is_gradient_checkpointing = False

        def forward(self, *args, **kwargs):
            return SimpleNamespace(logits=logits.clone())

    return Stub()


def stub_accelerator():
    same = lambda value: value  # noqa: E731
    return SimpleNamespace(gather=same, gather_for_metrics=same, unwrap_model=same, device=torch.device("cpu"))


def paired_batch(pairs, variables, with_prompt):
    """The batch and the stub model that CPO's and ORPO's `get_batch_loss_metrics` take; the prompt is not labelled."""
    batch, rows = {}, []
    for side in ("chosen", "rejected"):
        prompts = [variable["prompt"] if with_prompt else variable["prompt"][:0] for variable in variables]
        answers = [variable[side] for variable in variables]
        longest = max(len(prompt) + len(answer) for prompt, answer in zip(prompts, answers)) + 1
        shape = (len(pairs), longest)
        labels, attention = torch.full(shape, -100), torch.zeros(shape, dtype=torch.long)
        for row, (prompt, answer) in enumerate(zip(prompts, answers)):
            end = 1 + len(prompt) + len(answer)  # the first token is predicted by nothing
            labels[row, 1 + len(prompt) : end] = TARGET
            attention[row, :end] = 1
        batch[f"{side}_input_ids"] = torch.full(shape, TARGET)
        batch[f"{side}_attention_mask"] = attention
        batch[f"{side}_labels"] = labels
        rows += [torch.cat(row) for row in zip(prompts, answers)]
    return batch, stub_model(padded_logits(rows))
