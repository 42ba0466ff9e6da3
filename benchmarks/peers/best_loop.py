# SPDX-License-Identifier: Apache-2.0
"""What the fastest plain loop does to a batch: one sequence without padding, a prompt once for all its answers, attention
as products of matrices, the head at answers only."""

from dataclasses import dataclass

import torch
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS


@dataclass
class Packed:
    """Branches of some rows as one sequence of T tokens; S answer tokens, answer after answer."""

    ids: torch.Tensor  # [T]
    positions: torch.Tensor  # [1, T]
    mask: torch.Tensor  # [1, 1, T, T], added to scores
    predictors: torch.Tensor  # [S] where each answer token is predicted
    targets: torch.Tensor  # [S]
    lengths: list  # of the answers


def pack(branches, dtype):
    """branches: (prompt, its answers) each. An answer sees its prompt and itself, no other answer and no other row."""
    ids, positions, predictors, targets, lengths = [], [], [], [], []
    total = sum(len(prompt) + sum(map(len, answers)) for prompt, answers in branches)
    mask = torch.full((total, total), float("-inf"), dtype=dtype)
    for prompt, answers in branches:
        first, stem = len(ids), len(prompt)
        ids += prompt
        positions += range(stem)
        mask[first : first + stem, first : first + stem].triu_(1)
        for answer in answers:
            at, length = len(ids), len(answer)
            ids += answer
            positions += range(stem, stem + length)
            mask[at : at + length, first : first + stem] = 0
            mask[at : at + length, at : at + length].triu_(1)
            counted = answer if stem > 0 else answer[1:]  # nothing predicts a sequence's first token
            start = at if stem > 0 else at + 1
            predictors += [first + stem - 1 if place == at else place - 1 for place in range(start, at + length)]
            targets += counted
            lengths.append(len(counted))
    return Packed(
        torch.tensor(ids), torch.tensor(positions)[None], mask[None, None], torch.tensor(predictors), torch.tensor(targets), lengths
    )


def attend_by_products(_module, query, key, value, attention_mask, scaling, **_options):
    """query [1, H, T, D], key and value [1, G, T, D]: the H / G heads that share keys are rows of one product. Without AMX
    torch's own attention takes about twice as long, and a product that adds the mask itself half as long again."""
    _, heads, tokens, size = query.shape
    groups = key.shape[1]
    rows = (query * scaling).reshape(groups, heads // groups * tokens, size)
    scores = torch.bmm(rows, key[0].mT)
    scores.view(groups, -1, tokens, tokens).add_(attention_mask)
    mixed = torch.bmm(scores.softmax(-1), value[0])
    return mixed.view(1, heads, tokens, size).transpose(1, 2), None


def use_products(model):
    ALL_ATTENTION_FUNCTIONS.register("products", attend_by_products)
    model.set_attn_implementation("products")


def logits_of(decoder, head, packed):
    """float32 logits [S, V] of the answer tokens."""
    output = decoder(
        input_ids=packed.ids[None], position_ids=packed.positions, attention_mask=packed.mask, use_cache=False
    )
    return head(output.last_hidden_state[0, packed.predictors]).float()
