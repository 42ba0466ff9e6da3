# SPDX-License-Identifier: Apache-2.0
"""Times a plain PyTorch + PEFT preference loop: the least a careful person would write, without a trainer around it.

Two rows per pair, right-padded; only response positions go through the head. Needs torch, transformers, peft.

usage: torch_preference.py ROWS.jsonl --model CONFIG.json [--loss dpo|simpo] [--dtype bf16|fp32] [--batch-size 2]
                           [--epochs 1] [--threads 2] [--precompute]
                           [--quantization nf4|int8 --weights FOLDER]
"""

import time

from common import parser_of, quantized_model, random_model, read_rows, report

parser = parser_of(__doc__)
parser.add_argument("--loss", choices=["dpo", "simpo"], default="dpo")
parser.add_argument("--precompute", action="store_true", help="reference log-probs once, before the first step")
parser.add_argument("--quantization", choices=["nf4", "int8"], help="the base as bitsandbytes quantizes it; with --weights")
parser.add_argument("--weights", help="folder of the weights that are quantized")
options = parser.parse_args()

import torch  # noqa: E402

torch.set_num_threads(options.threads)

from peft import LoraConfig, get_peft_model  # noqa: E402
from torch.nn.functional import logsigmoid  # noqa: E402

rows, rows_hash = read_rows(options.rows)
dtype = torch.bfloat16 if options.dtype == "bf16" else torch.float32
if options.quantization:
    base = quantized_model(options.weights, dtype, options.quantization)
else:
    base = random_model(options.model, dtype, attn_implementation="sdpa")
adapter = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
model = get_peft_model(base, adapter)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-6)


def batch_of(pairs):
    sequences = [(row["promptIds"], row[f"{side}Ids"]) for row in pairs for side in ("chosen", "rejected")]
    width = max(len(prompt) + len(answer) for prompt, answer in sequences)
    ids = torch.zeros(len(sequences), width, dtype=torch.long)
    mask = torch.zeros(len(sequences), width, dtype=torch.long)
    where = []
    for row, (prompt, answer) in enumerate(sequences):
        length = len(prompt) + len(answer)
        ids[row, :length] = torch.tensor(prompt + answer)
        mask[row, :length] = 1
        where += [(row, position) for position in range(len(prompt), length)]
    rows_of, positions = torch.tensor(where).T
    return ids, mask, rows_of, positions


def log_probs(batch):
    """Sum and mean of each answer's log-probs."""
    ids, mask, rows_of, positions = batch
    hidden = model.base_model.model.model(input_ids=ids, attention_mask=mask).last_hidden_state
    logits = model.base_model.model.lm_head(hidden[rows_of, positions - 1]).float()
    chosen = logits.gather(1, ids[rows_of, positions][:, None])[:, 0] - logits.logsumexp(1)
    sums = torch.zeros(len(ids)).index_add(0, rows_of, chosen)
    return sums, sums / torch.bincount(rows_of)


def reference_of(batch):
    with torch.no_grad(), model.disable_adapter():
        return log_probs(batch)[0]


def loss_of(batch, reference):
    if options.loss == "dpo":
        if reference is None:
            reference = reference_of(batch)
        policy, _ = log_probs(batch)
        ratio = policy - reference
        return -logsigmoid(0.1 * (ratio[0::2] - ratio[1::2])).mean()
    _, mean = log_probs(batch)
    return -logsigmoid(2.0 * (mean[0::2] - mean[1::2]) - 1.0).mean()


batches = [rows[start : start + options.batch_size] for start in range(0, len(rows), options.batch_size)]
precomputes = options.precompute and options.loss == "dpo"
began = time.perf_counter()
references = [reference_of(batch_of(pairs)) if precomputes else None for pairs in batches]
precomputing = time.perf_counter() - began
seconds = []
for _ in range(options.epochs):
    for pairs, reference in zip(batches, references):
        began = time.perf_counter()
        loss_of(batch_of(pairs), reference).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - began)

charged = sum(seconds) + (precomputing if precomputes else 0)
report(
    system="torch-peft",
    loss=options.loss,
    dtype=options.dtype,
    precompute=options.precompute,
    rowsHash=rows_hash,
    pairs=len(rows) * options.epochs,
    seconds=round(charged, 3),
    stepSeconds=[round(s, 3) for s in seconds],
)
