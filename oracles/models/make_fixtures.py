# SPDX-License-Identifier: Apache-2.0
"""Writes tiny random models and what Transformers and PEFT compute from them.

For each case: packages/models/fixtures/<case>/{config.json, model.safetensors} as Transformers saves them, and
expected.safetensors: ids.0, ids.1 (two sequences), logits.0, logits.1 (f32), loss (mean next-token cross-entropy over
all tokens of both), grad.<weight> for every parameter, by the name and in the layout of the file, and greedy: what
`generate` adds to ids.0 (of decoders). Encoders without a head have hidden.safetensors instead: ids.0 and hidden.0. Cases with an adapter add adapter/ as PEFT saves it, adapter.logits.0 and adapter.grad.<key>.

Encoder–decoders (PAIRS) have expected-pairs.safetensors: source.N goes to the encoder, ids.N is the answer, logits.N are those
of its tokens, loss is the mean over the tokens of both answers, greedy what `generate` writes for source.0.

Run from the repository root: python oracles/models/make_fixtures.py [case …]   (versions: oracles/requirements.txt)
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from cases import BARE, CASES, PAIRS
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import GenerationConfig, GPT2LMHeadModel

FIXTURES = Path("packages/models/fixtures")
LENGTHS = (13, 9)


def randomize(model, seed=7):
    """No weight at its neutral value, so that a forgotten bias or norm shows."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            draw = torch.randn(parameter.shape, generator=generator)
            is_norm = parameter.dim() == 1 and name.endswith("weight")
            parameter.copy_(1 + 0.2 * draw if is_norm else 0.2 * draw)


def logits_of(model, ids):
    output = model(ids[None])
    return (output.prediction_logits if "prediction_logits" in output else output.logits)[0]


def loss_of(model, sequences):
    losses = []
    for ids in sequences:
        logits = logits_of(model, ids)
        losses.append(torch.nn.functional.cross_entropy(logits[:-1], ids[1:], reduction="none"))
    return torch.cat(losses).mean()


def gradients(model, sequences):
    model.zero_grad()
    loss = loss_of(model, sequences)
    loss.backward()
    return loss.detach()


def made(factory, config, folder):
    """A random model, saved; and two sequences."""
    shutil.rmtree(folder / "adapter", ignore_errors=True)
    torch.manual_seed(0)
    model = factory(config).eval()
    randomize(model)
    model.tie_weights()
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    generator = torch.Generator().manual_seed(11)
    # Id 1 of these is padding: RoBERTa gives it no position, and PyTorch its embedding no gradient.
    first = 2 if config.model_type in ("roberta", "opt") else 0
    draw = lambda length: torch.randint(first, config.vocab_size, (length,), generator=generator)  # noqa: E731
    return model, [draw(length) for length in LENGTHS]


def write_bare(name, factory, config):
    model, sequences = made(factory, config, FIXTURES / name)
    with torch.no_grad():
        hidden = model(sequences[0][None]).last_hidden_state[0].contiguous()
    save_file({"ids.0": sequences[0].to(torch.int32), "hidden.0": hidden}, FIXTURES / name / "hidden.safetensors")
    print(name)


def write_case(name, factory, config, with_adapter):
    folder = FIXTURES / name
    model, sequences = made(factory, config, folder)
    loss = gradients(model, sequences)
    expected = {"loss": loss.reshape(1)}
    for index, ids in enumerate(sequences):
        expected[f"ids.{index}"] = ids.to(torch.int32)
        expected[f"logits.{index}"] = logits_of(model, ids).detach().contiguous()
    expected |= {f"grad.{name}": value for name, value in gradients_by_file(model).items()}
    if model.can_generate():
        expected["greedy"] = greedy(model, sequences[0])
    if with_adapter:
        expected |= adapter_case(model, folder, sequences)
    save_file(expected, folder / "expected.safetensors")
    print(name, f"loss {loss.item():.6f}", len(expected), "tensors")


def pair_logits(model, source, ids):
    start = torch.tensor([model.config.decoder_start_token_id])
    return model(input_ids=source[None], decoder_input_ids=torch.cat([start, ids[:-1]])[None]).logits[0]


def pair_gradients(model, pairs):
    model.zero_grad()
    losses = [
        torch.nn.functional.cross_entropy(pair_logits(model, source, ids), ids, reduction="none")
        for source, ids in pairs
    ]
    loss = torch.cat(losses).mean()
    loss.backward()
    return loss.detach()


def varied_answer(model, source, seed):
    """Random weights, and the greedy answer of 12 tokens; None where it is one token over and over, or a tie."""
    randomize(model, seed)
    how = GenerationConfig(
        do_sample=False,
        max_new_tokens=12,
        eos_token_id=None,
        pad_token_id=0,
        decoder_start_token_id=0,
        use_cache=False,  # 5.18 counts the encoder's layers for the decoder's cache
    )
    model.generation_config.eos_token_id = None
    answer = model.generate(source[None], generation_config=how)[0, 1:]
    with torch.no_grad():
        likeliest = pair_logits(model, source, answer).topk(2).values
    is_clear = (likeliest[:, 0] - likeliest[:, 1]).min() > 1e-3
    return answer.to(torch.int32) if len(answer.unique()) > 3 and is_clear else None


def write_pairs(name, factory, config, has_own_head, with_adapter):
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(0)
    model = factory(config).eval()
    if has_own_head:
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
        model.all_tied_weights_keys.pop("lm_head.weight")
    generator = torch.Generator().manual_seed(11)
    draw = lambda length: torch.randint(2, config.vocab_size, (length,), generator=generator)  # noqa: E731
    pairs = [(draw(length), draw(answer)) for length, answer in ((15, 11), (9, 6))]
    seed = 7
    while (answer := varied_answer(model, pairs[0][0], seed)) is None:
        seed += 1
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if has_own_head and config.model_type == "t5":
        stated = json.loads((folder / "config.json").read_text())
        stated["tie_word_embeddings"] = False
        del stated["scale_decoder_outputs"]
        (folder / "config.json").write_text(json.dumps(stated, indent=2, sort_keys=True) + "\n")
    model = factory.from_pretrained(folder, attn_implementation="eager").eval()
    assert (model.lm_head.weight is model.shared.weight) != has_own_head
    expected = {"greedy": answer, "loss": pair_gradients(model, pairs).reshape(1)}
    for index, (source, ids) in enumerate(pairs):
        expected[f"source.{index}"] = source.to(torch.int32)
        expected[f"ids.{index}"] = ids.to(torch.int32)
        expected[f"logits.{index}"] = pair_logits(model, source, ids).detach().contiguous()
    expected |= {f"grad.{key}": value for key, value in gradients_by_file(model).items()}
    if with_adapter:
        adapted = with_lora(model, None)  # PEFT 0.21's SEQ_2_SEQ_LM does not load beside Transformers 5.18
        pair_gradients(adapted, pairs)
        expected |= saved_lora(adapted, folder)
        expected["adapter.logits.0"] = pair_logits(adapted, *pairs[0]).detach().contiguous()
    save_file(expected, folder / "expected-pairs.safetensors")
    print(name, f"loss {expected['loss'].item():.6f}", len(expected), "tensors")


def gradients_by_file(model):
    """By the names and in the layout of the file, which some classes change on saving. Weights without one are left out."""
    held = {key: parameter.data for key, parameter in model.named_parameters()}
    for parameter in model.parameters():
        parameter.data = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        saved = load_file(Path(folder) / "model.safetensors")
    for key, parameter in model.named_parameters():
        parameter.data = held[key]
    return {name: value.clone() for name, value in saved.items() if value.any()}


def greedy(model, ids):
    how = GenerationConfig(do_sample=False, max_new_tokens=12, eos_token_id=None, pad_token_id=0)
    whole = model.generate(ids[None], generation_config=how, attention_mask=torch.ones_like(ids)[None])[0]
    with torch.no_grad():
        likeliest = model(whole[None]).logits[0, len(ids) - 1 : -1].topk(2).values
    assert (likeliest[:, 0] - likeliest[:, 1]).min() > 1e-3, "a tie"
    return whole[len(ids) :].to(torch.int32)


def adapter_case(model, folder, sequences):
    """LoRA on every linear layer but the head, B not zero; the base is frozen."""
    adapted = with_lora(model, "CAUSAL_LM" if model.can_generate() else None)
    gradients(adapted, sequences)
    expected = saved_lora(adapted, folder)
    expected["adapter.logits.0"] = logits_of(adapted, sequences[0]).detach().contiguous()
    return expected


def with_lora(model, task_type):
    settings = LoraConfig(
        r=3,
        lora_alpha=6,
        target_modules="all-linear",
        task_type=task_type,
        fan_in_fan_out=isinstance(model, GPT2LMHeadModel),
    )
    adapted = get_peft_model(model, settings).eval()
    generator = torch.Generator().manual_seed(13)
    with torch.no_grad():
        for key, parameter in adapted.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    return adapted


def saved_lora(adapted, folder):
    """Saves the adapter; its gradients by key."""
    state = get_peft_model_state_dict(adapted)
    by_name = {key.replace(".default", ""): parameter for key, parameter in adapted.named_parameters()}
    adapted.save_pretrained(folder / "adapter")
    (folder / "adapter" / "README.md").unlink(missing_ok=True)
    sort_targets(folder / "adapter" / "adapter_config.json")
    return {f"adapter.grad.{key}": by_name[key].grad.contiguous() for key in state}


def sort_targets(file):
    """PEFT writes a set in any order; sorted, the fixture is the same each time."""
    config = json.loads(file.read_text())
    config["target_modules"] = sorted(config["target_modules"])
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for case in sys.argv[1:] or [*CASES, *BARE, *PAIRS]:
        if case in PAIRS:
            write_pairs(case, *PAIRS[case])
        elif case in BARE:
            write_bare(case, *BARE[case])
        else:
            write_case(case, *CASES[case])
