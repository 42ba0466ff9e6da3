# SPDX-License-Identifier: Apache-2.0
"""
Sequence classifiers and reward models, both ways.

    python oracles/models/classifiers.py                writes packages/models/classifier-fixtures/
    node oracles/models/save_classifiers.mjs OUT        (after `npm run build`) loads them and saves them again
    python oracles/models/classifiers.py --check OUT    does Transformers load the folders, and PEFT the adapters?

Per case: config.json and model.safetensors of a tiny random …ForSequenceClassification as Transformers saves it, adapter/
with a head as PEFT saves it for the base model of `packages/models/fixtures`, expected.json with ids and logits.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForSequenceClassification, GPT2Config, LlamaConfig

OUT = Path("packages/models/classifier-fixtures")
BASES = Path("packages/models/fixtures")
SMALL = dict(vocab_size=61, hidden_size=16, intermediate_size=20, num_hidden_layers=1, num_attention_heads=2)
CASES = {
    # A reward model: one label; its tokenizer pads with its end token, 2.
    "llama": LlamaConfig(**SMALL, num_key_value_heads=1, max_position_embeddings=64, num_labels=1, pad_token_id=2),
    # A classifier of three named labels.
    "gpt2": GPT2Config(
        vocab_size=61,
        n_embd=16,
        n_layer=1,
        n_head=2,
        n_positions=64,
        id2label={0: "bad", 1: "so-so", 2: "good"},
        label2id={"bad": 0, "so-so": 1, "good": 2},
    ),
}
SEQUENCES = [[5, 9, 33, 60, 7, 11, 2], [1, 4, 8, 15, 16]]


def randomized(model):
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return model.eval()


def logits(model):
    with torch.no_grad():
        return [model(torch.tensor([ids])).logits[0].tolist() for ids in SEQUENCES]


def adapted(name, labels):
    base = AutoModelForSequenceClassification.from_pretrained(BASES / name, num_labels=labels, dtype=torch.float32)
    config = LoraConfig(task_type="SEQ_CLS", r=2, lora_alpha=4, target_modules=["q_proj", "up_proj"])
    if name == "gpt2":
        config = LoraConfig(task_type="SEQ_CLS", r=2, lora_alpha=4, target_modules=["c_attn"], fan_in_fan_out=True)
    model = get_peft_model(base, config)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in (p for p in model.parameters() if p.requires_grad):
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return model.eval()


def write():
    for name, config in CASES.items():
        folder = OUT / name
        shutil.rmtree(folder, ignore_errors=True)
        model = randomized(AutoModelForSequenceClassification.from_config(config))
        model.save_pretrained(folder)
        adapter = adapted(name, config.num_labels)
        adapter.save_pretrained(folder / "adapter")
        (folder / "adapter" / "README.md").unlink(missing_ok=True)
        expected = {"ids": SEQUENCES, "logits": logits(model), "adapterLogits": logits(adapter)}
        (folder / "expected.json").write_text(json.dumps(expected) + "\n")
        print(name, expected["logits"], expected["adapterLogits"])


def difference(got, expected):
    return (torch.tensor(got) - torch.tensor(expected)).abs().max().item()


def check(out):
    for name, config in CASES.items():
        expected = json.loads((OUT / name / "expected.json").read_text())
        model, info = AutoModelForSequenceClassification.from_pretrained(out / name / "model", output_loading_info=True)
        assert not any(info.values()), info
        assert model.config.id2label == config.id2label, model.config.id2label
        assert model.config.architectures == [type(model).__name__], model.config.architectures
        whole = difference(logits(model.eval()), expected["logits"])
        base = AutoModelForSequenceClassification.from_pretrained(BASES / name, num_labels=config.num_labels)
        torch.nn.init.zeros_(base.score.weight)  # nothing but the adapter's file gives the head
        peft = difference(logits(PeftModel.from_pretrained(base, out / name / "adapter").eval()), expected["adapterLogits"])
        merged, info = AutoModelForSequenceClassification.from_pretrained(out / name / "merged", output_loading_info=True)
        assert not any(info.values()), info
        joined = difference(logits(merged.eval()), expected["adapterLogits"]) if (out / name / "merged").exists() else 0
        print(f"{name:8} model {whole:.1e}  adapter {peft:.1e}  merged {joined:.1e}")
        assert max(whole, peft, joined) < 1e-4


if __name__ == "__main__":
    torch.set_num_threads(1)
    check(Path(sys.argv[2])) if "--check" in sys.argv else write()
