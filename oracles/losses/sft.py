# SPDX-License-Identifier: Apache-2.0
"""
Fixtures of packages/loss-sft: torch's cross entropy (what SFTTrainer minimises) and TRL 1.13's `dft_loss`, on the chosen
answers of the shared pairs, in float64.
"""

from types import SimpleNamespace

import torch
import torch.nn.functional as F
from inputs import INPUTS, TARGET, padded_logits
from trl.trainer.sft_trainer import dft_loss

from fixtures import run_case, write


def loss(pairs, variables, options):
    rows = [variable["chosen"] for variable in variables]
    logits = padded_logits(rows)  # position t predicts label t + 1
    labels = torch.full(logits.shape[:2], -100)
    for row, answer in enumerate(rows):
        labels[row, 1 : 1 + len(answer)] = TARGET
    if options.get("variant") == "dft":
        return dft_loss(SimpleNamespace(logits=logits), labels)
    return F.cross_entropy(logits[:, :-1].reshape(-1, 3), labels[:, 1:].reshape(-1))


def main():
    cases = [
        run_case(name, options, "trl" if options else "torch", loss, coupled=True)
        for name in INPUTS
        for options in ({}, {"variant": "dft"})
    ]
    write("loss-sft", cases)


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    main()
