# SPDX-License-Identifier: Apache-2.0
"""Writes tiny random models and what Transformers and PEFT compute from them.

For each case: packages/models/fixtures/<case>/{config.json, model.safetensors} as Transformers saves them, and
expected.safetensors: ids.0, ids.1 (two sequences), logits.0, logits.1 (f32), loss (mean next-token cross-entropy over
all tokens of both) and grad.<weight> for every parameter, in the layout of the file. Cases with an adapter add
adapter/ as PEFT saves it, adapter.logits.0 and adapter.grad.<key>.

Run from the repository root: python oracles/models/make_fixtures.py   (versions: oracles/requirements.txt)
"""

import json
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

FIXTURES = Path("packages/models/fixtures")
VOCABULARY = 97
LENGTHS = (13, 9)

SIZES = dict(
    vocab_size=VOCABULARY,
    hidden_size=32,
    intermediate_size=44,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=128,
    attn_implementation="eager",
)
LLAMA3_ROPE = dict(
    rope_type="llama3",
    rope_theta=10000.0,
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=64,
)

CASES = {
    # 8 frequencies: one kept, two blended, five stretched.
    "llama": (LlamaForCausalLM, LlamaConfig(**SIZES, head_dim=16, rope_parameters=LLAMA3_ROPE), True),
    "llama-tied-biased": (
        LlamaForCausalLM,
        LlamaConfig(
            **SIZES,
            tie_word_embeddings=True,
            attention_bias=True,
            mlp_bias=True,
            hidden_act="gelu_pytorch_tanh",
            rope_parameters=dict(rope_type="linear", rope_theta=500.0, factor=4.0),
        ),
        False,
    ),
    "mistral": (MistralForCausalLM, MistralConfig(**SIZES, sliding_window=5), False),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(**SIZES, tie_word_embeddings=True), False),
    "qwen2-window": (
        Qwen2ForCausalLM,
        Qwen2Config(**SIZES, use_sliding_window=True, sliding_window=4, max_window_layers=1),
        False,
    ),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(**SIZES, head_dim=12), False),
    "gpt2": (
        GPT2LMHeadModel,
        GPT2Config(
            vocab_size=VOCABULARY,
            n_embd=32,
            n_inner=44,
            n_layer=2,
            n_head=4,
            n_positions=64,
            bos_token_id=0,
            eos_token_id=0,
            attn_implementation="eager",
        ),
        True,
    ),
}


def randomize(model):
    """No weight at its neutral value, so that a forgotten bias or norm shows."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            draw = torch.randn(parameter.shape, generator=generator)
            is_norm = parameter.dim() == 1 and name.endswith("weight")
            parameter.copy_(1 + 0.2 * draw if is_norm else 0.2 * draw)


def loss_of(model, sequences):
    losses = []
    for ids in sequences:
        logits = model(ids[None]).logits[0]
        losses.append(torch.nn.functional.cross_entropy(logits[:-1], ids[1:], reduction="none"))
    return torch.cat(losses).mean()


def gradients(model, sequences):
    model.zero_grad()
    loss = loss_of(model, sequences)
    loss.backward()
    return loss.detach()


def write_case(name, factory, config, with_adapter):
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(0)
    model = factory(config).eval()
    randomize(model)
    model.tie_weights()
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    generator = torch.Generator().manual_seed(11)
    sequences = [torch.randint(0, VOCABULARY, (length,), generator=generator) for length in LENGTHS]
    loss = gradients(model, sequences)
    expected = {"loss": loss.reshape(1)}
    for index, ids in enumerate(sequences):
        expected[f"ids.{index}"] = ids.to(torch.int32)
        expected[f"logits.{index}"] = model(ids[None]).logits[0].detach().contiguous()
    for key, parameter in model.named_parameters():
        expected[f"grad.{key}"] = parameter.grad.contiguous()
    if with_adapter:
        expected |= adapter_case(model, folder, sequences)
    save_file(expected, folder / "expected.safetensors")
    print(name, f"loss {loss.item():.6f}", len(expected), "tensors")


def adapter_case(model, folder, sequences):
    """LoRA on every linear layer but the head, B not zero; the base is frozen."""
    settings = LoraConfig(
        r=3,
        lora_alpha=6,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        fan_in_fan_out=isinstance(model, GPT2LMHeadModel),
    )
    adapted = get_peft_model(model, settings).eval()
    generator = torch.Generator().manual_seed(13)
    with torch.no_grad():
        for key, parameter in adapted.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    gradients(adapted, sequences)
    state = get_peft_model_state_dict(adapted)
    by_name = {key.replace(".default", ""): parameter for key, parameter in adapted.named_parameters()}
    adapted.save_pretrained(folder / "adapter")
    (folder / "adapter" / "README.md").unlink(missing_ok=True)
    sort_targets(folder / "adapter" / "adapter_config.json")
    expected = {f"adapter.grad.{key}": by_name[key].grad.contiguous() for key in state}
    expected["adapter.logits.0"] = adapted(sequences[0][None]).logits[0].detach().contiguous()
    return expected


def sort_targets(file):
    """PEFT writes a set in any order; sorted, the fixture is the same each time."""
    config = json.loads(file.read_text())
    config["target_modules"] = sorted(config["target_modules"])
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for case, (factory, config, with_adapter) in CASES.items():
        write_case(case, factory, config, with_adapter)
