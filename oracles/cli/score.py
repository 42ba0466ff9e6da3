# SPDX-License-Identifier: Apache-2.0
"""
Prints what packages/cli/test/commands.test.ts expects of `llmf score`: log-probabilities (nats) of an answer's tokens
under a trained model by Transformers, prompt and answer tokenized apart and joined.
Usage: python oracles/cli/score.py PATH_OF/stories260K-hf
"""

import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
prompt = tokenizer("Once upon a time").input_ids
answer = tokenizer(", there was a little girl.", add_special_tokens=False).input_ids
log_probs = torch.log_softmax(model(torch.tensor([prompt + answer])).logits[0].double(), dim=-1)
chosen = [log_probs[len(prompt) - 1 + index, token].item() for index, token in enumerate(answer)]
print(len(answer), sum(chosen), chosen)
