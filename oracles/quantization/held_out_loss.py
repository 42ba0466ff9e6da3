# SPDX-License-Identifier: Apache-2.0
"""
Mean loss per answer token of held-out rows, by Transformers in float32 over the weights that bitsandbytes and the gguf
package expand: what `llmf train` reports as eval_loss before its first step is held to it.

    python held_out_loss.py FOLDER ROWS.json [--gguf MODEL.gguf] [--last 100] [--formats bf16,int8,nf4,fp4,gguf] [--ids IDS.jsonl]

Rows have `instruction`, `input` and `output`. --ids writes what was counted as rows of token ids. Weights: every linear
layer but the head, as llmf keeps them; nf4 and fp4 in blocks of 64 with double quantization, int8 by row.
"""

import argparse
import json

import bitsandbytes.functional as F
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("rows")
parser.add_argument("--gguf")
parser.add_argument("--last", type=int, default=100)
parser.add_argument("--formats", default="bf16,int8,nf4,fp4,gguf")
parser.add_argument("--ids")
parser.add_argument("--threads", type=int, default=2)
options = parser.parse_args()
torch.set_num_threads(options.threads)

tokenizer = AutoTokenizer.from_pretrained(options.folder)


def encoded(row):
    """Ids of prompt and answer as the model's chat template has them; the answer ends with the end of the turn."""
    text = row["instruction"] + ("\n" + row["input"] if row.get("input") else "")
    prompt = [{"role": "user", "content": text}]
    whole = [*prompt, {"role": "assistant", "content": row["output"]}]
    before = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
    all_text = tokenizer.apply_chat_template(whole, tokenize=False)
    assert all_text.startswith(before)
    ids = lambda part: tokenizer(part, add_special_tokens=False)["input_ids"]
    return ids(before), ids(all_text[len(before) :].rstrip("\n"))


rows = [encoded(row) for row in json.load(open(options.rows))[-options.last :]]
if options.ids:
    with open(options.ids, "w") as file:
        for prompt, answer in rows:
            file.write(json.dumps({"promptIds": prompt, "responseIds": answer}) + "\n")


def expanded(weight, name):
    if name == "int8":
        codes, scales, _ = F.int8_vectorwise_quant(weight)
        return F.int8_vectorwise_dequant(codes, scales)
    packed, state = F.quantize_4bit(weight, blocksize=64, compress_statistics=True, quant_type=name)
    return F.dequantize_4bit(packed, state)


def model_in(name):
    if name == "gguf":
        folder, _, file = options.gguf.rpartition("/")
        return AutoModelForCausalLM.from_pretrained(folder or ".", gguf_file=file, dtype=torch.float32)
    model = AutoModelForCausalLM.from_pretrained(options.folder, dtype=torch.float32)
    if name != "bf16":
        for module_name, module in model.named_modules():
            if isinstance(module, torch.nn.Linear) and not module_name.endswith("lm_head"):
                module.weight.data = expanded(module.weight.data, name).float()
    return model


@torch.no_grad()
def loss_of(model):
    total, count = 0.0, 0
    for prompt, answer in rows:
        logits = model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1].double()
        total -= logits.log_softmax(-1).gather(1, torch.tensor(answer)[:, None]).sum().item()
        count += len(answer)
    return total / count, count


for name in options.formats.split(","):
    loss, count = loss_of(model_in(name).eval())
    print(f"{name} {loss:.6f} over {count} tokens", flush=True)
