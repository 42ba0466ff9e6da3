# SPDX-License-Identifier: Apache-2.0
"""
A LoRA adapter that PEFT made on a tiny Llama, saved by PEFT, with the outputs and gradients of one of its layers:
what llmf must read, continue and write. All values from a fixed seed; B is filled so that the adapter does something.
"""
import json
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

FIXTURES = Path(__file__).resolve().parents[2] / "packages" / "nn" / "fixtures"
torch.manual_seed(0)

config = LlamaConfig(
    vocab_size=16, hidden_size=8, intermediate_size=12, num_hidden_layers=2, num_attention_heads=2,
    num_key_value_heads=1, max_position_embeddings=32, tie_word_embeddings=True,
)
model = get_peft_model(
    LlamaForCausalLM(config),
    LoraConfig(r=2, lora_alpha=6, lora_dropout=0.0, use_rslora=True, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM"),
)
for name, parameter in model.named_parameters():
    if "lora_B" in name:
        torch.nn.init.normal_(parameter, std=0.1)
model.save_pretrained(FIXTURES / "peft-lora")
(FIXTURES / "peft-lora" / "README.md").unlink(missing_ok=True)

layer = model.base_model.model.model.layers[1].mlp.down_proj
x = torch.randn(5, 12, requires_grad=True)
dy = torch.randn(5, 8)
y = layer(x)
y.backward(dy)
OUT = FIXTURES / "lora.json"
OUT.write_text(json.dumps({
    "path": "model.layers.1.mlp.down_proj",
    "scale": layer.scaling["default"],
    "weight": layer.base_layer.weight.tolist(),
    "x": x.tolist(),
    "dy": dy.tolist(),
    "y": y.tolist(),
    "dx": x.grad.tolist(),
    "dA": layer.lora_A["default"].weight.grad.tolist(),
    "dB": layer.lora_B["default"].weight.grad.tolist(),
}))
print("wrote", OUT)
