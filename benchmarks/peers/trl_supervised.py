# SPDX-License-Identifier: Apache-2.0
"""Times TRL's SFTTrainer on the processor, every weight trained or LoRA, on token ids given in a file.

Each row of ROWS.jsonl holds promptIds and responseIds; the loss is of the response only (`completion_only_loss`), in
TRL's default form, which multiplies with the head in chunks and at counted positions only. Prints one JSON object with a
hash of the rows, and the count and a hash of the token ids that the collator's labels left to the loss.

What TRL 1.13 does by default when every weight is trained: a model that is named is loaded in float32, whatever its
checkpoint holds, and runs under bf16 autocast (`bf16=True`). Parameters, gradients and AdamW's state are float32 then and
the factors of products bf16, which is also what llmf does: `--weights f32`. A model that was loaded in bf16 and handed
over (Transformers' default for a bf16 checkpoint) keeps parameters, gradients and state in bf16: `--weights bf16`, faster
and smaller, at the price of small updates that round to nothing. TRL's gradient checkpointing is on by default; here it
is off unless `--checkpointing` says so, as in the other scripts.

Needs torch, transformers, trl, peft, datasets.

usage: trl_supervised.py ROWS.jsonl --model CONFIG.json [--adapter none|lora] [--weights f32|bf16] [--dtype bf16|fp32]
                         [--batch-size 2] [--epochs 1] [--threads 2] [--checkpointing]
"""

import tempfile

from common import parser_of, random_model, read_rows, report, trained_hash

parser = parser_of(__doc__)
parser.add_argument("--adapter", choices=["none", "lora"], default="none")
parser.add_argument("--weights", choices=["f32", "bf16"], default="f32", help="storage of weights that are trained")
parser.add_argument("--checkpointing", action="store_true", help="recompute activations, TRL's default")
options = parser.parse_args()

import torch  # noqa: E402  (threads are set before anything else of torch runs)

torch.set_num_threads(options.threads)

from datasets import Dataset  # noqa: E402
from trl import SFTConfig, SFTTrainer  # noqa: E402

from trl_common import TimedSteps, lora, padding_tokenizer, trainer_options  # noqa: E402

rows, rows_hash = read_rows(options.rows)
stores_bf16 = options.dtype == "bf16" and (options.adapter == "lora" or options.weights == "bf16")
model = random_model(options.model, torch.bfloat16 if stores_bf16 else torch.float32)


def masked(row):
    prompt, response = row["promptIds"], row["responseIds"]
    return {"input_ids": prompt + response, "completion_mask": [0] * len(prompt) + [1] * len(response)}


steps = TimedSteps()
trained = []
with tempfile.TemporaryDirectory() as folder:
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(completion_only_loss=True, max_length=None, **trainer_options(folder, options)),
        train_dataset=Dataset.from_list([masked(row) for row in rows]),
        processing_class=padding_tokenizer(),
        peft_config=lora() if options.adapter == "lora" else None,
        callbacks=[steps],
    )
    collate = trainer.data_collator

    def collate_and_note(examples):
        batch = collate(examples)
        # A label is predicted from the position before it, so the first position's is never used.
        trained.extend(labels[labels != -100].tolist() for labels in batch["labels"][:, 1:])
        return batch

    trainer.data_collator = collate_and_note
    trainer.train()

report(
    system="trl",
    loss="sft",
    loss_type=trainer.args.loss_type,
    dtype=options.dtype,
    adapter=options.adapter,
    storage=sorted({str(parameter.dtype) for parameter in model.parameters() if parameter.requires_grad}),
    checkpointing=options.checkpointing,
    rowsHash=rows_hash,
    trainedTokens=sum(map(len, trained)),
    trainedHash=trained_hash(trained),
    seconds=round(sum(steps.seconds), 3),
    stepSeconds=[round(s, 3) for s in steps.seconds],
)
