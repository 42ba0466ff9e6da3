# SPDX-License-Identifier: Apache-2.0
"""Defaults of the config classes that Transformers uses for the families here.

    python oracles/models/config_defaults.py      (versions: oracles/requirements.txt)

Writes packages/models/fixtures/config-defaults.json: for each class its fields with their defaults, and the base of its
rotary positions where config.json does not say one (`default_theta`).
"""

import dataclasses
import json
from pathlib import Path

from transformers import (BertConfig, BloomConfig, FalconConfig, Gemma2Config, Gemma3TextConfig, GPT2Config, GPTJConfig, GPTNeoXConfig, LlamaConfig, MinistralConfig, MistralConfig, MixtralConfig, OPTConfig, Phi3Config, Qwen2_5_VLConfig, Qwen2Config,
                          Qwen2VLConfig, Qwen2MoeConfig, Qwen3Config, Qwen3MoeConfig, RobertaConfig)
from transformers.configuration_utils import PreTrainedConfig

CLASSES = {
    "llama": LlamaConfig,
    "mistral": MistralConfig,
    "mistral with layer_types": MinistralConfig,  # AutoConfig reads it by that class
    "qwen2": Qwen2Config,
    "qwen3": Qwen3Config,
    "gpt2": GPT2Config,
    "gpt_neox": GPTNeoXConfig,
    "gptj": GPTJConfig,
    "bloom": BloomConfig,
    "falcon": FalconConfig,
    "bert": BertConfig,
    "roberta": RobertaConfig,
    "phi3": Phi3Config,
    "opt": OPTConfig,
    "mixtral": MixtralConfig,
    "qwen2_moe": Qwen2MoeConfig,
    "qwen3_moe": Qwen3MoeConfig,
    "gemma2": Gemma2Config,
    "gemma3_text": Gemma3TextConfig,
    "qwen2_vl": Qwen2VLConfig,
    "qwen2_vl text": Qwen2VLConfig.sub_configs["text_config"],
    "qwen2_vl vision": Qwen2VLConfig.sub_configs["vision_config"],
    "qwen2_5_vl": Qwen2_5_VLConfig,
    "qwen2_5_vl text": Qwen2_5_VLConfig.sub_configs["text_config"],
    "qwen2_5_vl vision": Qwen2_5_VLConfig.sub_configs["vision_config"],
}


def value(field: dataclasses.Field):
    given = field.default if field.default is not dataclasses.MISSING else field.default_factory()
    return list(given) if isinstance(given, tuple) else given


def defaults(cls) -> dict:
    shared = {f.name for f in dataclasses.fields(PreTrainedConfig)}
    own = {f.name: value(f) for f in dataclasses.fields(cls) if f.name not in shared or f.name == "tie_word_embeddings"}
    theta = getattr(cls, "default_theta") if "rope_parameters" in own else None
    return {"fields": own, "defaultTheta": theta}


if __name__ == "__main__":
    found = {name: defaults(cls) for name, cls in CLASSES.items()}
    out = Path("packages/models/fixtures/config-defaults.json")
    out.write_text(json.dumps({"versions": "transformers 5.18.0", "classes": found}, indent=1) + "\n")
    print({name: len(one["fields"]) for name, one in found.items()}, f"{out.stat().st_size / 1024:.0f} kB")
