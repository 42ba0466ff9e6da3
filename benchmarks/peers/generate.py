# SPDX-License-Identifier: Apache-2.0
"""Transformers' generate on random prompts: seconds and tokens after each sequence's first one, as one JSON line.

usage: generate.py --model FOLDER [--dtype bf16|f32] [--batch-size N] [--prompt N] [--tokens N] [--threads N]
                   [--quantization nf4|int8]
"""

import argparse
import time

from common import quantized_model, report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="model folder")
    parser.add_argument("--dtype", choices=["bf16", "f32"], default="bf16")
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--prompt", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quantization", choices=["nf4", "int8"], help="as bitsandbytes quantizes it")
    options = parser.parse_args()

    import torch
    from transformers import AutoModelForCausalLM, LogitsProcessor, LogitsProcessorList

    class Times(LogitsProcessor):
        """When each pass has given its logits."""

        def __init__(self):
            self.at = []

        def __call__(self, ids, logits):
            self.at.append(time.perf_counter())
            return logits

    torch.set_num_threads(options.threads)
    dtype = torch.bfloat16 if options.dtype == "bf16" else torch.float32
    if options.quantization:
        model = quantized_model(options.model, dtype, options.quantization).eval()
    else:
        model = AutoModelForCausalLM.from_pretrained(options.model, dtype=dtype).eval()
    torch.manual_seed(0)
    ids = torch.randint(model.config.vocab_size, (options.batch_size, options.prompt))

    def generate(tokens):
        times = Times()
        with torch.inference_mode():
            out = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                min_new_tokens=tokens,
                max_new_tokens=tokens,
                do_sample=True,
                temperature=1.0,
                top_k=0,
                top_p=1.0,
                pad_token_id=0,
                eos_token_id=None,
                logits_processor=LogitsProcessorList([times]),
            )
        end = time.perf_counter()
        assert out.shape[1] == options.prompt + tokens, out.shape
        return end - times.at[0]

    generate(4)
    seconds = generate(options.tokens)
    report(seconds=seconds, tokens=options.batch_size * (options.tokens - 1))


main()
