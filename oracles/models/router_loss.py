# SPDX-License-Identifier: Apache-2.0
"""The router's loss of the mixtures of experts, and its gradients, by Transformers 5.18: two sequences in one padded batch.

    python oracles/models/router_loss.py      (after make_fixtures.py; versions: oracles/requirements.txt)

Writes router.safetensors into the fixtures: loss (not weighted yet) and grad.<weight> for every weight that has one.
"""

import torch
import transformers
from make_fixtures import FIXTURES, gradients_by_file
from safetensors.torch import load_file, save_file

CASES = {"mixtral": "Mixtral", "qwen2-moe": "Qwen2Moe", "qwen3-moe": "Qwen3Moe"}


def main():
    for name, family in CASES.items():
        how = dict(dtype=torch.float32, attn_implementation="eager", experts_implementation="eager")
        model = getattr(transformers, f"{family}ForCausalLM").from_pretrained(FIXTURES / name, **how).eval()
        expected = load_file(FIXTURES / name / "expected.safetensors")
        sequences = [expected[f"ids.{at}"].long() for at in range(2)]
        longest = max(map(len, sequences))
        pad = lambda ids, value: torch.nn.functional.pad(ids, (0, longest - len(ids)), value=value)  # noqa: E731
        ids = torch.stack([pad(each, 0) for each in sequences])
        mask = torch.stack([pad(torch.ones_like(each), 0) for each in sequences])
        loss = model(input_ids=ids, attention_mask=mask, output_router_logits=True).aux_loss
        loss.backward()
        found = {"loss": loss.detach().reshape(1)}
        found |= {f"grad.{key}": value for key, value in gradients_by_file(model).items()}
        save_file(found, FIXTURES / name / "router.safetensors")
        print(name, loss.item(), len(found), "tensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
