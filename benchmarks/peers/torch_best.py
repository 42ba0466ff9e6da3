# SPDX-License-Identifier: Apache-2.0
"""Times the fastest plain PyTorch loop that we know how to write: best_loop.py, with fused AdamW. Run it with tcmalloc too.

DPO and SimPO train LoRA; supervised training LoRA or every weight. LoRA: the frozen weights in bf16. Every weight: float32
parameters under bf16 autocast, or `--weights bf16` throughout. Needs torch, transformers, and peft for LoRA.

usage: torch_best.py ROWS.jsonl --model CONFIG.json [--loss dpo|simpo|sft] [--adapter lora|none] [--weights auto|bf16]
                     [--form batch|row] [--dtype bf16|fp32] [--batch-size 2] [--epochs 1] [--threads 2]
"""

import time

from common import parser_of, random_model, read_rows, report, trained_hash

parser = parser_of(__doc__)
parser.add_argument("--loss", choices=["dpo", "simpo", "sft"], default="dpo")
parser.add_argument("--adapter", choices=["lora", "none"], default="lora")
parser.add_argument("--weights", choices=["auto", "bf16"], default="auto")
parser.add_argument("--form", choices=["batch", "row"], default="batch", help="what is one sequence: a batch, or a row")
options = parser.parse_args()

import torch  # noqa: E402
from torch.nn.functional import cross_entropy, logsigmoid  # noqa: E402

from best_loop import logits_of, pack, use_products  # noqa: E402

torch.set_num_threads(options.threads)
rows, rows_hash = read_rows(options.rows)
is_full = options.adapter == "none"
is_bf16 = options.dtype == "bf16"
casts = is_bf16 and is_full and options.weights == "auto"
base = random_model(options.model, torch.bfloat16 if is_bf16 and not casts else torch.float32)
use_products(base)
if is_full:
    model, decoder, head = base, base.model, base.lm_head
else:
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"))
    decoder, head = model.base_model.model.model, model.base_model.model.lm_head
parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(parameters, lr=5e-6, fused=True)


def branch_of(row):
    answers = [row["responseIds"]] if options.loss == "sft" else [row["chosenIds"], row["rejectedIds"]]
    return row["promptIds"], answers


def sequences_of(batch):
    groups = [batch] if options.form == "batch" else [[row] for row in batch]
    return [pack([branch_of(row) for row in group], torch.bfloat16 if is_bf16 else torch.float32) for group in groups]


def logits(packed):
    with torch.autocast("cpu", torch.bfloat16, enabled=casts):
        return logits_of(decoder, head, packed)


def sums_of(packed):
    """Sum of each answer's log-probs."""
    tokens = -cross_entropy(logits(packed), packed.targets, reduction="none")
    return torch.stack([part.sum() for part in tokens.split(packed.lengths)])


def supervised(packed, count):
    return cross_entropy(logits(packed), packed.targets, reduction="sum") / count


def preference(packed, count):
    if options.loss == "dpo":
        with torch.no_grad(), model.disable_adapter():
            reference = sums_of(packed)
        ratio = sums_of(packed) - reference
        return -logsigmoid(0.1 * (ratio[0::2] - ratio[1::2])).sum() / count
    mean = sums_of(packed) / torch.tensor(packed.lengths)
    return -logsigmoid(2.0 * (mean[0::2] - mean[1::2]) - 1.0).sum() / count


loss_of = supervised if options.loss == "sft" else preference
seconds, trained = [], []
for _ in range(options.epochs):
    for start in range(0, len(rows), options.batch_size):
        began = time.perf_counter()
        packed = sequences_of(rows[start : start + options.batch_size])
        count = sum(len(one.targets) if options.loss == "sft" else len(one.lengths) // 2 for one in packed)
        for one in packed:
            loss_of(one, count).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - began)
        trained += [part.tolist() for one in packed for part in one.targets.split(one.lengths)]

report(
    system="torch-best",
    loss=options.loss,
    dtype=options.dtype,
    adapter=options.adapter,
    form=options.form,
    rowsHash=rows_hash,
    trainedTokens=sum(map(len, trained)),
    trainedHash=trained_hash(trained),
    seconds=round(sum(seconds), 3),
    stepSeconds=[round(s, 3) for s in seconds],
)
