# SPDX-License-Identifier: Apache-2.0
"""
What Transformers computes of tiny random classifiers and masked models, and sentence-transformers of pairs, for
packages/stages/fixtures:
  <case>/config.json, model.safetensors   a model as save_pretrained writes it
  <case>/expected.safetensors             ids [N, T], labels, loss, logits, grad.<name> of every weight
  contrastive.json                        embeddings, and loss and gradients of MultipleNegativesRankingLoss
All values from fixed seeds. Versions are written into versions.json.

usage: python make_fixtures.py          (sentence-transformers 6.2 beside Transformers 5.18)
"""
import json
import shutil
from pathlib import Path

import sentence_transformers
import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import save_file
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BertConfig,
    GPT2Config,
    LlamaConfig,
    RobertaConfig,
)

OUT = Path(__file__).resolve().parents[2] / "packages" / "stages" / "fixtures"
SMALL = dict(
    vocab_size=37, hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2,
    hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, initializer_range=0.3,
)
ROWS, LENGTH = 4, 7


def bert(**more):
    return BertConfig(**SMALL, max_position_embeddings=16, **more)


def roberta(**more):
    return RobertaConfig(**SMALL, max_position_embeddings=18, type_vocab_size=1, pad_token_id=1, **more)


def gpt2(**more):
    return GPT2Config(
        vocab_size=37, n_embd=12, n_layer=2, n_head=2, n_positions=16, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        initializer_range=0.3, pad_token_id=0, classifier_dropout=0.0, **more,
    )


def llama(**more):
    return LlamaConfig(
        vocab_size=37, hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=16, initializer_range=0.3, pad_token_id=0, **more,
    )


CLASS = dict(num_labels=3, problem_type="single_label_classification")
LABELS = dict(num_labels=3, problem_type="multi_label_classification")
NUMBER = dict(num_labels=1, problem_type="regression")
NUMBERS = dict(num_labels=2, problem_type="regression")
SEQUENCE, TOKEN, MASKED = AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoModelForMaskedLM
CASES = {
    "bert-class": (SEQUENCE, bert(**CLASS), "class"),
    "bert-labels": (SEQUENCE, bert(**LABELS), "classes"),
    "bert-number": (SEQUENCE, bert(**NUMBER), "numbers"),
    "bert-words": (TOKEN, bert(num_labels=4), "words"),
    "roberta-class": (SEQUENCE, roberta(**CLASS), "class"),
    "roberta-words": (TOKEN, roberta(num_labels=4), "words"),
    "gpt2-labels": (SEQUENCE, gpt2(**LABELS), "classes"),
    "gpt2-numbers": (SEQUENCE, gpt2(**NUMBERS), "numbers"),
    "gpt2-words": (TOKEN, gpt2(num_labels=4), "words"),
    "llama-class": (SEQUENCE, llama(**CLASS), "class"),
    "llama-words": (TOKEN, llama(num_labels=4), "words"),
    "bert-masked": (MASKED, bert(), "masked"),
    "roberta-masked": (MASKED, roberta(), "masked"),
}


def labels_of(form, ids):
    if form == "class":
        return torch.tensor([2, 0, 1, 2])
    if form == "classes":
        return torch.tensor([[1.0, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]])
    if form == "numbers":
        return torch.tensor([0.5, -1.25, 2.0, 0.0])
    labels = torch.full(ids.shape, -100)
    picked = torch.rand(ids.shape) < 0.5
    picked[:, 1] = True
    picked[:, 0] = False
    if form == "words":
        labels[picked] = torch.randint(0, 4, ids.shape)[picked]
    else:
        labels[picked] = torch.randint(4, 37, ids.shape)[picked]
    return labels


def make(case, kind, config, form):
    torch.manual_seed(11)
    folder = OUT / case
    shutil.rmtree(folder, ignore_errors=True)
    model = kind.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    model.eval()
    model.save_pretrained(folder)
    ids = torch.randint(4, 37, (ROWS, LENGTH))
    labels = labels_of(form, ids)
    if form == "numbers" and config.num_labels == 2:
        labels = torch.stack([labels, labels.flip(0)], 1)
    out = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels)
    out.loss.backward()
    gradients = {f"grad.{name}": p.grad for name, p in model.named_parameters() if p.grad is not None}
    facts = {"ids": ids.to(torch.int32), "labels": labels.float(), "loss": out.loss.detach().reshape(1)}
    tensors = {**facts, "logits": out.logits.detach(), **gradients}
    save_file({name: t.contiguous().clone() for name, t in tensors.items()}, folder / "expected.safetensors")
    (folder / "generation_config.json").unlink(missing_ok=True)
    print(case, f"{out.loss.item():.6f}", len(gradients), "gradients")


def contrastive():
    """MultipleNegativesRankingLoss on given embeddings: its own forward with a model that hands them on."""
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    cases = []
    for seed, negatives, scale in ((1, 0, 20.0), (2, 1, 20.0), (3, 2, 5.0)):
        torch.manual_seed(seed)
        columns = [torch.randn(4, 6, requires_grad=True) for _ in range(2 + negatives)]
        loss = MultipleNegativesRankingLoss(model=None, scale=scale).compute_loss_from_embeddings(columns, None)
        loss.backward()
        cases.append({
            "scale": scale,
            "embeddings": [c.detach().tolist() for c in columns],
            "gradients": [c.grad.tolist() for c in columns],
            "loss": loss.item(),
        })
        print("contrastive", negatives, loss.item())
    (OUT / "contrastive.json").write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    OUT.mkdir(exist_ok=True)
    for case, (kind, config, form) in CASES.items():
        make(case, kind, config, form)
    contrastive()
    versions = {m.__name__: m.__version__ for m in (torch, transformers, sentence_transformers)}
    (OUT / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")
