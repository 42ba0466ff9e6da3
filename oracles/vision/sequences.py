# SPDX-License-Identifier: Apache-2.0
"""Token ids and M-RoPE positions of Transformers' Qwen2-VL and Qwen2.5-VL, for chats with pictures and frames.

    python oracles/vision/sequences.py TOKENIZER_FOLDER      # a folder with Qwen2-VL's tokenizer.json

Writes packages/vision/fixtures/sequences.json: ids with one pad per medium (as the tokenizer gives them), the ids the
processor feeds the model, and `get_rope_index`'s positions, all exact. Run-length coded where that is shorter.
"""

import itertools
import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer
from transformers import Qwen2_5_VLConfig, Qwen2VLConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLModel
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VLModel

FIXTURES = Path("packages/vision/fixtures")
IMAGE, VIDEO = 151655, 151656
TEXT = dict(vocab_size=152000, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=1, rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 1, 1]})
FRAME = "<|vision_start|><|{}_pad|><|vision_end|>"


def chat(question: str, answer: str) -> str:
    return (f"<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n"
            f"<|im_start|>assistant\n{answer}<|im_end|>\n")


def runs(values: list[int]) -> list[list[int]]:
    return [[value, len(list(group))] for value, group in itertools.groupby(values)]


def main(tokenizer_folder: str) -> None:
    tokenizer = Tokenizer.from_file(str(Path(tokenizer_folder) / "tokenizer.json"))
    processor = Qwen2VLImageProcessorPil(min_pixels=3136, max_pixels=12845056)
    two = Qwen2VLModel(Qwen2VLConfig(text_config=TEXT, vision_config=dict(depth=0, embed_dim=16, hidden_size=16, num_heads=2)))
    five = Qwen2_5_VLModel(Qwen2_5_VLConfig(text_config=TEXT, vision_config=dict(
        depth=0, hidden_size=16, out_hidden_size=16, intermediate_size=16, num_heads=2, tokens_per_second=2)))
    image, video = FRAME.format("image"), FRAME.format("video")
    sizes = [Image.open(f).size for f in sorted((FIXTURES / "images").iterdir()) if "huge" not in f.name]
    cases = [(chat(image + "What is this?", "A picture."), [size], []) for size in sizes]
    cases += [(chat(f"Picture 1: {image}Picture 2: {image}\nCompare.", "Both are small."), sizes[i : i + 2], []) for i in range(0, 20, 2)]
    cases += [(chat(f"{image}{image}{image}", "Three."), sizes[20:23], []), (chat("No picture.", "None."), [], [])]
    cases += [(chat(f"{image} first", "One.") + chat(f"then {image}?", "Two."), sizes[5:7], [])]
    videos = [((2, 8, 6), 1.0), ((4, 4, 4), 0.5), ((8, 4, 6), 1.0), ((3, 10, 12), 0.083), ((5, 6, 4), 0.75), ((1, 4, 8), 2.0)]
    cases += [(chat(f"{video}What happens?", "It moves."), [], [entry]) for entry in videos]
    cases += [(chat(f"{image}and {video}", "Mixed."), sizes[3:4], [videos[0]]), (chat(f"{video}{video}", "Two."), [], videos[1:3])]
    rows = []
    for text, images, clips in cases:
        single = tokenizer.encode(text, add_special_tokens=False).ids
        grids = [processor(images=Image.new("RGB", size), return_tensors="np")["image_grid_thw"][0].tolist() for size in images]
        counts = {IMAGE: iter([np.prod(g) // 4 for g in grids]), VIDEO: iter([np.prod(g) // 4 for g, _ in clips])}
        ids = [i for i, n in ((i, int(next(counts[i])) if i in counts else 1) for i in single) for _ in range(n)]
        kwargs = dict(mm_token_type_ids=torch.tensor([[{IMAGE: 1, VIDEO: 2}.get(i, 0) for i in ids]], dtype=torch.int32),
                      image_grid_thw=torch.tensor(grids) if grids else None,
                      video_grid_thw=torch.tensor([g for g, _ in clips]) if clips else None)
        if len(images) > 2:  # without text between them Transformers needs the start and end tokens, which are here
            assert single.count(151652) == len(images)
        seconds = torch.tensor([s for _, s in clips]) if clips else None
        expected_two = two.get_rope_index(torch.tensor([ids]), **kwargs)[0][:, 0].tolist()
        expected_five = five.get_rope_index(torch.tensor([ids]), second_per_grid_ts=seconds, **kwargs)[0][:, 0].tolist()
        rows.append({"sizes": images, "grids": grids, "videos": clips, "single": single, "ids": runs(ids),
                     "qwen2_vl": [runs(axis) for axis in expected_two],
                     "qwen2_5_vl": None if expected_five == expected_two else [runs(axis) for axis in expected_five]})
    text = json.dumps({"tokens_per_second": 2, "rows": rows}, separators=(",", ":"))
    (FIXTURES / "sequences.json").write_text(text + "\n")
    print(f"{len(rows)} sequences, {len(text) / 1024:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1])
