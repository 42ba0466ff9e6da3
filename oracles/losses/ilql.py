# SPDX-License-Identifier: Apache-2.0
"""
Fixture of packages/algo-ilql: trlX's ILQLConfig.loss (trlx/models/modeling_ilql.py of 3340c2f3) restated for ragged answers,
in float64. trlX itself needs versions that no longer install. Whole Q matrices here, so that the head's two numbers a token
are held to them as well: loss, and gradients for every Q logit (as they reach the two numbers), value and log-prob.
"""

import json
from importlib.metadata import version

import torch
import torch.nn.functional as F

from fixtures import ROOT

VOCABULARY = 5
LENGTHS = [3, 1, 4]  # tokens of each answer
REWARDS = [1.25, -0.5, 0.75]
DEFAULTS = dict(tau=0.7, gamma=0.99, cqlScale=0.1, awacScale=1.0, beta=0.0, twoQs=True)


def draw():
    generator = torch.Generator().manual_seed(11)
    tokens = sum(LENGTHS)
    normal = lambda *shape: torch.randn(*shape, generator=generator)  # noqa: E731
    return dict(
        actions=torch.randint(0, VOCABULARY, (tokens,), generator=generator),
        q=[normal(tokens, VOCABULARY) for _ in range(2)],
        target=[normal(tokens, VOCABULARY) for _ in range(2)],
        value=normal(tokens),
        logProb=-normal(tokens).abs() - 0.1,
    )


def ilql(given, options):
    actions = given["actions"]
    chosen = lambda q: q.gather(1, actions[:, None])[:, 0]  # noqa: E731
    count = 2 if options["twoQs"] else 1
    qs, targets = given["q"][:count], [chosen(q).detach() for q in given["target"][:count]]
    target = targets[0] if count == 1 else torch.minimum(*targets)
    value, start = given["value"], 0
    reward, following = torch.zeros(len(actions)), torch.zeros(len(actions))
    for length, each in zip(LENGTHS, REWARDS):
        following[start : start + length - 1] = value[start + 1 : start + length].detach()
        start += length
        reward[start - 1] = each
    goal = reward + options["gamma"] * following
    loss_q = sum((chosen(q) - goal) ** 2 for q in qs)
    above = (target >= value).double()
    loss_v = (above * options["tau"] + (1 - above) * (1 - options["tau"])) * (target - value) ** 2
    loss_cql = sum(F.cross_entropy(q, actions, reduction="none") for q in qs)
    weight = torch.exp(options["beta"] * (target - value)).detach()
    loss_awac = -given["logProb"] * weight
    parts = dict(loss_q=loss_q, loss_v=loss_v, loss_cql=loss_cql, loss_awac=loss_awac)
    total = loss_q + loss_v + options["cqlScale"] * loss_cql + options["awacScale"] * loss_awac
    return total.mean(), {name: part.mean().item() for name, part in parts.items()}


def run_case(changes):
    options = DEFAULTS | changes
    given = draw()
    leaves = [*given["q"], given["value"], given["logProb"]]
    for leaf in leaves:
        leaf.requires_grad_(True)
    loss, parts = ilql(given, options)
    loss.backward()
    gradient = lambda leaf: None if leaf.grad is None else leaf.grad.tolist()  # noqa: E731
    gradients = dict(q=[gradient(q) for q in given["q"]], value=gradient(given["value"]), logProb=gradient(given["logProb"]))
    return dict(options=options, loss=loss.item(), parts=parts, gradients=gradients)


def main():
    cases = [{}, {"beta": 0.5}, {"tau": 0.9, "gamma": 0.8}, {"twoQs": False, "cqlScale": 1.0}, {"awacScale": 0.0}]
    given = draw()
    inputs = dict(
        lengths=LENGTHS,
        rewards=REWARDS,
        actions=given["actions"].tolist(),
        q=[q.tolist() for q in given["q"]],
        target=[q.tolist() for q in given["target"]],
        value=given["value"].tolist(),
        logProb=given["logProb"].tolist(),
    )
    about = f"Written by oracles/losses/ilql.py after trlX 3340c2f3, with torch {version('torch')}; float64."
    path = ROOT / "packages" / "algo-ilql" / "fixtures" / "ilql.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(run_case(case)) for case in cases)
    path.write_text(f'{{"about": {json.dumps(about)},\n"inputs": {json.dumps(inputs)},\n"cases": [\n{lines}\n]}}\n')
    print(f"{path.relative_to(ROOT)}: {len(cases)} cases")


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    main()
