# SPDX-License-Identifier: Apache-2.0
"""Runs cases and writes them as JSON: loss of each pair alone, loss of the batch, gradient for every policy log-prob."""

import json
from importlib.metadata import version
from pathlib import Path

from inputs import INPUTS, leaves, log_sum_squared_probabilities

ROOT = Path(__file__).resolve().parents[2]


def run_case(input_name, options, source, loss_of, coupled=False):
    """
    `loss_of(pairs, leaves, options)` gives the loss of these pairs, built from these leaves; `coupled` when it is not
    the mean of the losses of each pair alone.
    """
    name = ", ".join(f"{key} {value}" for key, value in options.items()) or "defaults"
    pairs = INPUTS[input_name]
    variables = leaves(pairs)
    loss = loss_of(pairs, variables, options)
    loss.backward()
    items = None if coupled else [loss_of([pair], leaves([pair]), options).item() for pair in pairs]
    gradient = [{side: gradient_of(tensor) for side, tensor in variable.items()} for variable in variables]
    case = {"name": name, "inputs": input_name, "options": options, "source": source}
    return case | {"loss": loss.item(), "items": items, "gradient": gradient}


def gradient_of(tensor):
    """None where nothing depends on the tensor."""
    return None if tensor.grad is None or not tensor.grad.any() else tensor.grad.tolist()


def write(package, cases, with_squares=False):
    names = sorted({case["inputs"] for case in cases})
    inputs = {name: [with_statistics(pair) if with_squares else pair for pair in INPUTS[name]] for name in names}
    path = ROOT / "packages" / package / "fixtures" / f"{package.removeprefix('loss-')}.json"
    path.parent.mkdir(exist_ok=True)
    about = f"Written by oracles/losses with trl {version('trl')}, torch {version('torch')}; float64."
    lines = ",\n".join(json.dumps(case) for case in cases)
    path.write_text(f'{{"about": {json.dumps(about)},\n"inputs": {json.dumps(inputs)},\n"cases": [\n{lines}\n]}}\n')
    print(f"{path.relative_to(ROOT)}: {len(cases)} cases")


def with_statistics(pair):
    sides = {
        side: pair[side] | {"logSumSquaredProbabilities": log_sum_squared_probabilities(pair[side]["policy"])}
        for side in ("chosen", "rejected")
    }
    return pair | sides
