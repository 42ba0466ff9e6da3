# SPDX-License-Identifier: Apache-2.0
"""Times a plain PyTorch loop of supervised training, every weight trained or LoRA: no trainer around it.

Right-padded rows; only response positions go through the head. With every weight trained and `--dtype bf16`: float32
parameters, gradients and AdamW state under bf16 autocast. Needs torch, transformers, and peft for LoRA.

usage: torch_supervised.py ROWS.jsonl --model CONFIG.json [--adapter none|lora] [--dtype bf16|fp32] [--batch-size 2]
                           [--targets all|attention] [--epochs 1] [--threads 2]
"""

import time

from common import parser_of, random_model, read_rows, report, trained_hash

parser = parser_of(__doc__)
parser.add_argument("--adapter", choices=["none", "lora"], default="none")
parser.add_argument("--targets", choices=["all", "attention"], default="all")
options = parser.parse_args()

import torch  # noqa: E402

torch.set_num_threads(options.threads)

rows, rows_hash = read_rows(options.rows)
is_bf16 = options.dtype == "bf16"
is_full = options.adapter == "none"
base = random_model(
    options.model, torch.bfloat16 if is_bf16 and not is_full else torch.float32, attn_implementation="sdpa"
)
if is_full:
    model, decoder, head = base, base.model, base.lm_head
else:
    from peft import LoraConfig, get_peft_model

    # all-linear: of a mixture of experts the experts' parameters too
    targets = "all-linear" if options.targets == "all" else ["q_proj", "k_proj", "v_proj", "o_proj"]
    model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules=targets, task_type="CAUSAL_LM"))
    decoder, head = model.base_model.model.model, model.base_model.model.lm_head
parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(parameters, lr=5e-6)
trained = []


def batch_of(chosen):
    width = max(len(row["promptIds"]) + len(row["responseIds"]) for row in chosen)
    ids = torch.zeros(len(chosen), width, dtype=torch.long)
    mask = torch.zeros(len(chosen), width, dtype=torch.long)
    where = []
    for at, row in enumerate(chosen):
        start, length = len(row["promptIds"]), len(row["promptIds"]) + len(row["responseIds"])
        ids[at, :length] = torch.tensor(row["promptIds"] + row["responseIds"])
        mask[at, :length] = 1
        positions = range(max(start, 1), length)  # nothing predicts a sequence's first token
        where += [(at, position) for position in positions]
        trained.append([ids[at, position].item() for position in positions])
    rows_of, positions = torch.tensor(where).T
    return ids, mask, rows_of, positions


def loss_of(ids, mask, rows_of, positions):
    with torch.autocast("cpu", torch.bfloat16, enabled=is_bf16 and is_full):
        hidden = decoder(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        logits = head(hidden[rows_of, positions - 1])
    return torch.nn.functional.cross_entropy(logits.float(), ids[rows_of, positions])


batches = [rows[start : start + options.batch_size] for start in range(0, len(rows), options.batch_size)]
seconds = []
for _ in range(options.epochs):
    for chosen in batches:
        began = time.perf_counter()
        loss_of(*batch_of(chosen)).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - began)

report(
    system="torch",
    loss="sft",
    dtype=options.dtype,
    adapter=options.adapter,
    storage=sorted({str(parameter.dtype) for parameter in parameters}),
    rowsHash=rows_hash,
    trainedTokens=sum(map(len, trained)),
    trainedHash=trained_hash(trained),
    seconds=round(sum(seconds), 3),
    stepSeconds=[round(s, 3) for s in seconds],
)
