# SPDX-License-Identifier: Apache-2.0
"""Ten steps of torch.optim.AdamW on a matrix and a vector, weight decay on the matrix only, gradients clipped by global norm."""
import json
from pathlib import Path

import torch

OUT = Path(__file__).resolve().parents[2] / "packages" / "training" / "fixtures" / "adamw.json"
torch.manual_seed(0)

matrix = torch.nn.Parameter(torch.randn(3, 4))
vector = torch.nn.Parameter(torch.randn(4))
start = {"matrix": matrix.tolist(), "vector": vector.tolist()}
optimizer = torch.optim.AdamW(
    [{"params": [matrix], "weight_decay": 0.1}, {"params": [vector], "weight_decay": 0.0}],
    lr=1.0, betas=(0.9, 0.95), eps=1e-8,
)
steps = []
for step in range(1, 11):
    learning_rate = 0.02 * step / 10
    gradients = {"matrix": torch.randn(3, 4) * step, "vector": torch.randn(4) * 0.1}
    matrix.grad, vector.grad = gradients["matrix"].clone(), gradients["vector"].clone()
    norm = torch.nn.utils.clip_grad_norm_([matrix, vector], max_norm=5.0)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.step()
    steps.append({
        "learningRate": learning_rate,
        "gradients": {name: value.tolist() for name, value in gradients.items()},
        "norm": norm.item(),
        "matrix": matrix.tolist(),
        "vector": vector.tolist(),
    })
OUT.write_text(json.dumps({"start": start, "maxNorm": 5.0, "weightDecay": 0.1, "steps": steps}))
print("wrote", OUT)
