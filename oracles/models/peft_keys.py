# SPDX-License-Identifier: Apache-2.0
"""Every key of PEFT's LoraConfig: an adapter that has it, and the log-probabilities that PEFT computes with it.

    python oracles/models/peft_keys.py      (after make_fixtures.py; versions: oracles/requirements.txt)

Writes packages/models/fixtures/llama/adapters.json: for each case what adapter_config.json has other than that of a plain
adapter, the tensors (f32, base64; where left out the plain ones) and the log-probabilities of the tokens of one sequence,
by an adapter that was saved and loaded again. A key of LoraConfig
without a case ends the script. Where PEFT cannot make such an adapter from two layers alone (it needs data, another
kind of layer, more adapters), a plain adapter says in its config that it is one; where PEFT cannot load it either, the
log-probabilities are null and only a refusal is right.
"""

import base64
import dataclasses
import json
import shutil
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora.config import BdLoraConfig, KasaConfig, MontecloraConfig, VeloraConfig
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

BASE = Path("packages/models/fixtures/llama")
QV = ["q_proj", "v_proj"]

# Made by PEFT: key of LoraConfig → settings.
MADE = {
    "plain": {},
    "r": dict(r=3, lora_alpha=6),
    "lora_alpha": dict(lora_alpha=5),
    "lora_dropout": dict(lora_dropout=0.5),
    "use_rslora": dict(use_rslora=True),
    "rank_pattern": dict(rank_pattern={"layers.1.self_attn.q_proj": 3, "v_proj": 1}),
    "rank_pattern as expressions": dict(rank_pattern={r"^model\.layers\.0\..*q.*": 4, ".*v_proj": 1}),
    # PEFT sorts the keys on saving and cannot load this one again.
    "rank_pattern, two keys for a layer": dict(rank_pattern={r"^model\.layers\.0\..*": 4, ".*v_proj": 1}),
    "alpha_pattern": dict(alpha_pattern={"layers.1.self_attn.q_proj": 3, "v_proj": 9}, rank_pattern={"q_proj": 1}),
    "alpha_pattern and use_rslora": dict(alpha_pattern={"v_proj": 9}, rank_pattern={"q_proj": 4}, use_rslora=True),
    "alpha_pattern, as only Python writes it": dict(alpha_pattern={r"(?P<all>layers)\.\d{,2}\.self_attn\.q_proj\Z": 9, r"\Amodel.*v_proj": 1}),
    "target_modules": dict(target_modules=r"model\.layers\.0\..*(up|down)_proj"),
    "target_modules, all linear": dict(target_modules="all-linear", r=1),
    "exclude_modules": dict(exclude_modules=["layers.0.self_attn.q_proj"]),
    "layers_to_transform": dict(layers_to_transform=[1]),
    "layers_pattern": dict(layers_to_transform=0, layers_pattern="layers"),
    "fan_in_fan_out": dict(fan_in_fan_out=True),
    "bias": dict(bias="all"),
    "bias, lora_only": dict(bias="lora_only"),
    "modules_to_save": dict(modules_to_save=["norm"]),
    "modules_to_save, empty": dict(modules_to_save=[]),
    "init_lora_weights": dict(init_lora_weights=False),
    "init_lora_weights, gaussian": dict(init_lora_weights="gaussian"),
    "init_lora_weights, orthogonal": dict(init_lora_weights="orthogonal"),
    "init_lora_weights, mica": dict(init_lora_weights="mica"),
    "init_lora_weights, pissa": dict(init_lora_weights="pissa"),
    "init_lora_weights, pissa_niter_4": dict(init_lora_weights="pissa_niter_4"),
    "init_lora_weights, olora": dict(init_lora_weights="olora"),
    "trainable_token_indices": dict(trainable_token_indices=[3, 4]),
    "use_dora": dict(use_dora=True),
    "velora_config": dict(velora_config=VeloraConfig(num_groups=4)),
    "alora_invocation_tokens": dict(alora_invocation_tokens=[7, 8]),
    "monteclora_config": dict(monteclora_config=MontecloraConfig()),
    "layer_replication": dict(layer_replication=[(0, 2), (1, 2)]),
    "lora_bias": dict(lora_bias=True, target_modules=["o_proj"]),
    "target_parameters": dict(target_modules=[], target_parameters=["mlp.up_proj.weight"]),
    "use_bdlora": dict(use_bdlora=BdLoraConfig(target_modules_bd_a=["v_proj"], target_modules_bd_b=["q_proj"], nblocks=2)),
    "kasa_config": dict(kasa_config=KasaConfig()),
    "ensure_weight_tying": dict(ensure_weight_tying=True),
}
# A plain adapter whose config is edited: key of LoraConfig → changes.
SAID = {
    "init_lora_weights, eva": dict(init_lora_weights="eva", eva_config={"rho": 2.0, "tau": 0.99}),
    "init_lora_weights, corda": dict(init_lora_weights="corda", corda_config={"corda_method": "kpm"}),
    "init_lora_weights, loftq": dict(init_lora_weights="loftq", loftq_config={"loftq_bits": 4, "loftq_iter": 1}),
    "init_lora_weights, lora_ga": dict(init_lora_weights="lora_ga", lora_ga_config={"direction": "ArB2r"}),
    "eva_config": dict(eva_config={"rho": 2.0}),
    "corda_config": dict(corda_config={"corda_method": "kpm"}),
    "loftq_config": dict(loftq_config={"loftq_bits": 4, "loftq_iter": 1}),
    "lora_ga_config": dict(lora_ga_config={"direction": "ArB2r"}),
    "megatron_config": dict(megatron_config={"hidden_size": 32}),
    "megatron_core": dict(megatron_core="megatron.core"),
    "use_qalora": dict(use_qalora=True),
    "qalora_group_size": dict(qalora_group_size=8),
    "arrow_config": dict(arrow_config={"top_k": 1}),
    "a key of tomorrow": dict(lora_of_tomorrow={"strength": 2}),
    "a key of tomorrow, empty": dict(lora_of_tomorrow=None),
    # Older files lack the keys that came later.
    "an old file": None,
}
# With the keys that the file leaves out, for which PEFT takes its defaults.
LEFT_OUT = {
    "r and lora_alpha, left out": (dict(r=8, lora_alpha=8), ["r", "lora_alpha"]),
    "lora_alpha, left out": (dict(r=3, lora_alpha=8), ["lora_alpha"]),
}
UNWRITTEN = {"runtime_config"}  # PEFT removes it on saving


def check_complete() -> None:
    """A key that PEFT adds must get a case."""
    own = {f.name for f in dataclasses.fields(LoraConfig)} - {f.name for f in dataclasses.fields(LoraConfig.__mro__[1])}
    have = {label.split(",")[0].split(" ")[0] for label in (*MADE, *SAID)} | UNWRITTEN
    missing = own - have
    assert not missing, f"no case for {sorted(missing)}"


def base():
    return AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32, attn_implementation="eager").eval()


def made(settings: dict, out: str) -> None:
    torch.manual_seed(13)  # of the start of A; without it every run of this script would make other adapters
    model = get_peft_model(base(), LoraConfig(**{"r": 2, "lora_alpha": 4, "target_modules": QV, "task_type": "CAUSAL_LM", **settings}))
    generator = torch.Generator().manual_seed(13)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad or "lora_" in name:
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(out)


def said(changes: dict | None, out: str) -> None:
    made({}, out)
    file = Path(out) / "adapter_config.json"
    config = json.loads(file.read_text())
    if changes is None:
        config = {k: config[k] for k in ("peft_type", "r", "lora_alpha", "target_modules", "task_type", "bias", "fan_in_fan_out")}
    file.write_text(json.dumps({**config, **(changes or {})}))


def left_out(settings: dict, keys: list[str], out: str) -> None:
    made(settings, out)
    file = Path(out) / "adapter_config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps({key: value for key, value in config.items() if key not in keys}))


def log_probs(out: str, ids: list[int]) -> list[float] | None:
    try:
        model = PeftModel.from_pretrained(base(), out).eval()
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0]
    except Exception as error:  # what PEFT cannot load can only be refused
        print("   PEFT:", type(error).__name__, str(error).splitlines()[0][:100])
        return None
    lp = torch.log_softmax(logits[:-1], -1)
    return [lp[i, t].item() for i, t in enumerate(ids[1:])]


def packed(tensor: torch.Tensor) -> dict:
    data = base64.b64encode(tensor.to(torch.float32).contiguous().numpy().tobytes()).decode()
    return {"shape": list(tensor.shape), "data": data}


def case(write, ids: list[int]) -> dict:
    out = tempfile.mkdtemp()
    write(out)
    config = json.loads((Path(out) / "adapter_config.json").read_text())
    for key, value in config.items():
        if isinstance(value, list) and all(isinstance(v, str) for v in value):
            config[key] = sorted(value)  # PEFT writes sets in any order
    config["base_model_name_or_path"] = str(BASE)
    tensors = {k: packed(v) for k, v in load_file(Path(out) / "adapter_model.safetensors").items()}
    result = {"config": config, "tensors": tensors, "logProbs": log_probs(out, ids)}
    shutil.rmtree(out)
    return result


def shortened(one: dict, plain: dict) -> dict:
    """Only what is not as in the plain adapter."""
    own, usual = one["config"], plain["config"]
    short = {
        "config": {k: v for k, v in own.items() if k not in usual or usual[k] != v},
        "without": [k for k in usual if k not in own],
        "logProbs": one["logProbs"],
    }
    return short if one["tensors"] == plain["tensors"] else {**short, "tensors": one["tensors"]}


def main() -> None:
    check_complete()
    ids = load_file(BASE / "expected.safetensors")["ids.0"].tolist()
    cases = {label: case(lambda out: made(settings, out), ids) for label, settings in MADE.items()}
    cases |= {label: case(lambda out: said(changes, out), ids) for label, changes in SAID.items()}
    cases |= {label: case(lambda out: left_out(*more, out), ids) for label, more in LEFT_OUT.items()}
    plain = cases.pop("plain")
    short = {label: shortened(one, plain) for label, one in cases.items()}
    text = json.dumps({"versions": "transformers 5.18.0, peft 0.21.0", "ids": ids, "plain": plain, "cases": short})
    (BASE / "adapters.json").write_text(text + "\n")
    print(len(cases), "cases,", f"{len(text) / 1024:.0f} kB; not loaded by PEFT:", [k for k, v in cases.items() if v["logProbs"] is None])


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
