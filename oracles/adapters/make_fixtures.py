# SPDX-License-Identifier: Apache-2.0
"""
Adapters that PEFT made on the tiny models of packages/models/fixtures, and what they do, for packages/adapters/fixtures:
  <case>/saved/…               a folder as save_pretrained writes it, of an adapter whose weights all do something
  <case>/expected.safetensors  ids [T], logits [T, V] with it; trained.<name> where training of 20 steps began,
                               losses [20], and after.<name> where it ended
All values from fixed seeds. Versions are written into versions.json.

usage: python make_fixtures.py [CASE...]
"""
import json
import shutil
import sys
from pathlib import Path

import peft
import torch
import transformers
from peft import (
    IA3Config,
    LoraConfig,
    PrefixTuningConfig,
    PromptEncoderConfig,
    PromptTuningConfig,
    TrainableTokensConfig,
    get_peft_model,
)
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

ROOT = Path(__file__).resolve().parents[2] / "packages"
OUT = ROOT / "adapters" / "fixtures"
STEPS, RATE = 20, 1e-2

CASES = {
    "ia3": ("llama", IA3Config(target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"])),
    "ia3-gpt2": ("gpt2", IA3Config(target_modules=["c_attn", "mlp.c_proj"], feedforward_modules=["mlp.c_proj"])),
    "dora": ("llama", LoraConfig(r=3, lora_alpha=6, use_dora=True, target_modules=["q_proj", "down_proj"])),
    "dora-gpt2": ("gpt2", LoraConfig(r=2, lora_alpha=4, use_dora=True, target_modules=["c_attn"], fan_in_fan_out=True)),
    "prefix": ("llama", PrefixTuningConfig(num_virtual_tokens=3)),
    "prefix-projected": (
        "llama",
        PrefixTuningConfig(num_virtual_tokens=3, prefix_projection=True, encoder_hidden_size=10),
    ),
    "prefix-gpt2": ("gpt2", PrefixTuningConfig(num_virtual_tokens=2)),
    "prompt": ("llama", PromptTuningConfig(num_virtual_tokens=4)),
    "prompt-gpt2": ("gpt2", PromptTuningConfig(num_virtual_tokens=2)),
    "p-tuning-mlp": ("llama", PromptEncoderConfig(num_virtual_tokens=3, encoder_hidden_size=12)),
    "p-tuning-lstm": (
        "llama",
        PromptEncoderConfig(
            num_virtual_tokens=4, encoder_hidden_size=6, encoder_num_layers=2, encoder_reparameterization_type="LSTM"
        ),
    ),
}


ROWS_ADDED = 3  # to the vocabulary, as resize_token_embeddings does
OWN = {
    "embedding": ("llama", LoraConfig(r=2, lora_alpha=4, target_modules=["embed_tokens", "q_proj"])),
    "embedding-gpt2": (
        "gpt2",
        LoraConfig(r=3, lora_alpha=3, use_rslora=True, target_modules=["wte", "wpe", "c_attn"], fan_in_fan_out=True),
    ),
    "tokens": ("llama", TrainableTokensConfig(token_indices=[40, 7, 3])),
    "tokens-gpt2": ("gpt2", TrainableTokensConfig(token_indices=[3, 7, 40])),
    "lora-tokens": (
        "llama",
        LoraConfig(
            r=2, lora_alpha=4, target_modules=["q_proj"], trainable_token_indices={"embed_tokens": [3, 7], "lm_head": [5, 7]}
        ),
    ),
    "lora-tokens-gpt2": (
        "gpt2",
        LoraConfig(r=2, lora_alpha=4, target_modules=["c_attn"], trainable_token_indices=[3, 7], fan_in_fan_out=True),
    ),
    "modules": (
        "llama",
        LoraConfig(
            r=2,
            lora_alpha=4,
            target_modules=["q_proj"],
            modules_to_save=["embed_tokens", "lm_head", "post_attention_layernorm", "down_proj"],
        ),
    ),
    "modules-gpt2": (
        "gpt2",
        LoraConfig(
            r=2,
            lora_alpha=4,
            target_modules=["c_attn"],
            modules_to_save=["wte", "ln_f", "mlp.c_proj"],
            fan_in_fan_out=True,
        ),
    ),
    "modules-dora": (
        "llama",
        LoraConfig(r=2, lora_alpha=4, use_dora=True, target_modules=["q_proj"], modules_to_save=["model.norm"]),
    ),
    "head": ("llama", LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "lm_head"])),
    "head-gpt2": (
        "gpt2",
        LoraConfig(r=3, lora_alpha=3, use_rslora=True, target_modules=["c_attn", "lm_head"], fan_in_fan_out=True),
    ),
    "head-tied": (
        "llama-tied-biased",
        LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "lm_head"], ensure_weight_tying=True),
    ),
    "modules-tied": (
        "llama-tied-biased",
        LoraConfig(
            r=2, lora_alpha=4, target_modules=["q_proj"], modules_to_save=["lm_head"], ensure_weight_tying=True
        ),
    ),
    "resized": (
        "llama",
        LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"]),
    ),
    "resized-kept": ("llama", LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj"])),
    "resized-gpt2": ("gpt2", LoraConfig(r=2, lora_alpha=4, target_modules=["c_attn"], fan_in_fan_out=True)),
}

RESIDUAL = {
    "pissa": ("llama", LoraConfig(r=3, lora_alpha=6, init_lora_weights="pissa", target_modules=["q_proj", "down_proj"])),
    "pissa-rs": (
        "llama",
        LoraConfig(r=2, lora_alpha=3, use_rslora=True, init_lora_weights="pissa", target_modules=["v_proj"]),
    ),
    "olora": ("llama", LoraConfig(r=3, lora_alpha=6, init_lora_weights="olora", target_modules=["q_proj", "down_proj"])),
}


def base_of(name: str):
    return AutoModelForCausalLM.from_pretrained(ROOT / "models" / "fixtures" / name, dtype=torch.float32)


def fill(model) -> None:
    """Every trained weight does something; factors stay near 1."""
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if "ia3_l" in name or "magnitude" in name:
            parameter.data.mul_(1 + 0.2 * torch.randn_like(parameter))
        elif "lora_B" in name or "lora_embedding_A" in name:
            torch.nn.init.normal_(parameter, std=0.2)
        elif "modules_to_save" in name or "trainable_tokens" in name:
            parameter.data.add_(0.1 * torch.randn_like(parameter))


def tied_pairs(weights) -> list[tuple[torch.nn.Parameter, torch.nn.Parameter]]:
    """
    With ensure_weight_tying PEFT makes the head's factors parameters of their own over the storage of the table's: one
    weight, whose two gradients must be summed. Taken out of `weights`, with those that they share.
    """
    by_storage, pairs = {}, []
    for name, weight in list(weights.items()):
        other = by_storage.setdefault(weight.data_ptr(), weight)
        if other is not weight:
            pairs.append((other, weights.pop(name)))
    return pairs


def trained(model, ids) -> tuple[dict, list[float]]:
    """20 steps of AdamW without decay on the likelihood of one row: the weights before, and the losses."""
    labels = ids.clone()
    labels[0] = -100  # a virtual token would predict it
    weights = {name: p for name, p in model.named_parameters() if p.requires_grad}
    shared = tied_pairs(weights)
    before = {f"trained.{name}": p.detach().clone() for name, p in weights.items()}
    optimizer = torch.optim.AdamW(weights.values(), lr=RATE, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)
    losses = []
    for _ in range(STEPS):
        loss = model(input_ids=ids[None], labels=labels[None]).loss
        optimizer.zero_grad()
        loss.backward()
        for weight, other in shared:
            weight.grad += other.grad.t()
            other.grad = None
        optimizer.step()
        losses.append(loss.item())
    after = {f"after.{name}": p.detach().clone() for name, p in weights.items()}
    return {**before, **after}, losses


def make(case: str, base: str, config) -> None:
    torch.manual_seed(7)
    config.task_type = "CAUSAL_LM"
    folder = OUT / case
    shutil.rmtree(folder, ignore_errors=True)
    plain = base_of(base)
    if case.startswith("resized"):
        plain.resize_token_embeddings(plain.config.vocab_size + ROWS_ADDED)
    model = get_peft_model(plain, config)
    fill(model)
    model.eval()
    ids = torch.randint(3, model.config.vocab_size, (11,))
    if case in OWN:
        ids[:6] = torch.tensor([3, 7, 5, 40, 7, model.config.vocab_size - 2])  # trained rows among them
    model.save_pretrained(folder / "saved")
    (folder / "saved" / "README.md").unlink(missing_ok=True)
    config_file = folder / "saved" / "adapter_config.json"
    written = json.loads(config_file.read_text())
    config_file.write_text(json.dumps({**written, "base_model_name_or_path": base}, indent=2) + "\n")
    with torch.no_grad():
        logits = model(input_ids=ids[None]).logits[0]
    logits = logits[-len(ids):]  # virtual tokens have logits of their own
    weights, losses = trained(model, ids)
    expected = {"ids": ids.to(torch.int32), "logits": logits, "losses": torch.tensor(losses), **weights}
    save_file({name: tensor.contiguous() for name, tensor in expected.items()}, folder / "expected.safetensors")
    print(case, f"loss {losses[0]:.4f} to {losses[-1]:.4f}")


def update_of(layer) -> torch.Tensor:
    return layer.scaling["default"] * layer.lora_B["default"].weight @ layer.lora_A["default"].weight


def make_residual(case: str, base: str, config) -> None:
    """LoRA that begins with part of the weight: s·B₀A₀ of each layer, and, trained, s·(BA − B₀A₀)."""
    torch.manual_seed(7)
    config.task_type = "CAUSAL_LM"
    folder = OUT / case
    shutil.rmtree(folder, ignore_errors=True)
    model = get_peft_model(base_of(base), config)
    layers = {name.removeprefix("base_model.model."): m for name, m in model.named_modules() if hasattr(m, "lora_A") and hasattr(m, "scaling")}
    starts = {name: update_of(layer).detach().clone() for name, layer in layers.items()}
    ids = torch.randint(3, model.config.vocab_size, (11,))
    model.peft_config["default"].init_lora_weights = True  # as the guide to the conversion says
    model.save_pretrained(folder / "start")
    _, losses = trained(model, ids)
    model.save_pretrained(folder / "saved", path_initial_model_for_weight_conversion=folder / "start")
    shutil.rmtree(folder / "start")
    (folder / "saved" / "README.md").unlink(missing_ok=True)
    config_file = folder / "saved" / "adapter_config.json"
    written = json.loads(config_file.read_text())
    config_file.write_text(json.dumps({**written, "base_model_name_or_path": base}, indent=2) + "\n")
    with torch.no_grad():
        logits = model(input_ids=ids[None]).logits[0]
    expected = {"ids": ids.to(torch.int32), "logits": logits, "losses": torch.tensor(losses)}
    for name, layer in layers.items():
        expected[f"start.{name}"] = starts[name]
        expected[f"change.{name}"] = (update_of(layer) - starts[name]).detach()
    save_file({name: tensor.contiguous() for name, tensor in expected.items()}, folder / "expected.safetensors")
    print(case, f"loss {losses[0]:.4f} to {losses[-1]:.4f}")


for table, maker in ((CASES, make), (OWN, make), (RESIDUAL, make_residual)):
    for case, (base, config) in table.items():
        if len(sys.argv) == 1 or case in sys.argv[1:]:
            maker(case, base, config)
versions = {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}
(OUT / "versions.json").write_text(json.dumps(versions) + "\n")
