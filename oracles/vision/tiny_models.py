# SPDX-License-Identifier: Apache-2.0
"""Tiny random Qwen2-VL, Qwen2.5-VL and Qwen3-VL models: what Transformers computes with them.

    python oracles/vision/tiny_models.py [model …]

Writes packages/vision/fixtures/<model>/{config.json,model.safetensors,oracle.json}: two sequences with pictures of
different sizes (packed for us, one after the other here), logits of some rows, the loss, the norm and three values of
every parameter's gradient, greedy continuations, and the tower's window order.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2VLConfig,
                          Qwen2VLForConditionalGeneration, Qwen3VLConfig, Qwen3VLForConditionalGeneration)
from transformers.vision_utils import get_vision_window_index

FIXTURES = Path("packages/vision/fixtures")
VOCABULARY, IMAGE, VIDEO, START, END = 120, 110, 111, 112, 113
TEXT = dict(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=512, rms_norm_eps=1e-6, tie_word_embeddings=False,
            bos_token_id=1, eos_token_id=None, pad_token_id=None,
            rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 1, 1]})
IDS = dict(image_token_id=IMAGE, video_token_id=VIDEO, vision_start_token_id=START, vision_end_token_id=END)
# [t, h, w] in patches of 4 pixels; a prompt with two pictures, and one with a picture and a video.
SEQUENCES = [
    dict(images=[[1, 4, 6], [1, 2, 2]], videos=[]),
    dict(images=[[1, 10, 12]], videos=[[3, 4, 4]]),
]
SECONDS = 1.5


def sequence(entry: dict, generator: torch.Generator) -> list[int]:
    words = lambda n: torch.randint(2, 100, (n,), generator=generator).tolist()
    ids = words(3)
    for grid in entry["images"]:
        ids += [START, *[IMAGE] * (grid[0] * grid[1] * grid[2] // 4), END, *words(2)]
    for grid in entry["videos"]:
        ids += [START, *[VIDEO] * (grid[0] * grid[1] * grid[2] // 4), END, *words(2)]
    return ids + words(6)


def patch_count(grids: list[list[int]]) -> int:
    return sum(t * h * w for t, h, w in grids)


def pixels(count: int, size: int, salt: int) -> torch.Tensor:
    """A formula both sides can write: no pixel file is needed."""
    index = torch.arange(count * size, dtype=torch.float64)
    return torch.sin(index * 0.37 + salt).to(torch.float32).reshape(count, size)


def build_qwen3():
    """Features of two of its four blocks go to the language model's; sections of unequal size, which take turns."""
    vision = dict(depth=4, num_heads=2, patch_size=4, spatial_merge_size=2, temporal_patch_size=2, in_channels=3,
                  hidden_size=16, out_hidden_size=32, intermediate_size=24, hidden_act="gelu_pytorch_tanh",
                  num_position_embeddings=25, deepstack_visual_indexes=[0, 2])
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [3, 2, 1], "mrope_interleaved": True}
    text = TEXT | dict(num_hidden_layers=3, head_dim=12, rope_parameters=rope)
    return Qwen3VLForConditionalGeneration(Qwen3VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=False, **IDS))


def build(name: str):
    if name == "qwen3_vl":
        return build_qwen3()
    vision = dict(depth=3, num_heads=2, patch_size=4, spatial_merge_size=2, temporal_patch_size=2, in_channels=3)
    if name == "qwen2_vl":
        vision |= dict(embed_dim=16, hidden_size=32, mlp_ratio=2, hidden_act="quick_gelu")
        config = Qwen2VLConfig(text_config=TEXT, vision_config=vision, tie_word_embeddings=False, **IDS)
        return Qwen2VLForConditionalGeneration(config)
    vision |= dict(hidden_size=16, out_hidden_size=32, intermediate_size=24, hidden_act="silu", window_size=16,
                   fullatt_block_indexes=[1], tokens_per_second=2)
    config = Qwen2_5_VLConfig(text_config=TEXT, vision_config=vision, tie_word_embeddings=False, **IDS)
    return Qwen2_5_VLForConditionalGeneration(config)


def flat_config(model) -> dict:
    """config.json as the checkpoints on the hub have it: the text keys at the top, rope_scaling with its section."""
    vision = {k: v for k, v in model.config.vision_config.to_dict().items() if isinstance(v, (int, float, str, list, tuple))}
    vision = {k: v for k, v in vision.items() if k in (
        "depth", "embed_dim", "hidden_size", "out_hidden_size", "intermediate_size", "mlp_ratio", "num_heads", "hidden_act",
        "patch_size", "spatial_merge_size", "temporal_patch_size", "in_channels", "window_size", "fullatt_block_indexes",
        "tokens_per_second", "num_position_embeddings", "deepstack_visual_indexes")}
    vision["in_chans"] = vision.pop("in_channels")
    if model.config.model_type == "qwen3_vl":
        text = {k: v for k, v in model.config.text_config.to_dict().items() if k in TEXT or k == "head_dim"}
        return {"model_type": "qwen3_vl", "architectures": ["Qwen3VLForConditionalGeneration"], **IDS, "tie_word_embeddings": False,
                "text_config": {"model_type": "qwen3_vl_text", **text}, "vision_config": {"model_type": "qwen3_vl", **vision}}
    text = {k: v for k, v in TEXT.items() if k not in ("rope_parameters", "pad_token_id")}
    return {"model_type": model.config.model_type, **text, **IDS, "hidden_act": "silu", "rope_theta": 1e6,
            "rope_scaling": {"type": "mrope", "mrope_section": [2, 1, 1]}, "vision_config": vision}


def hub_name(key: str, name: str) -> str:
    """Keys as in the checkpoints on the hub; Transformers 5 renames them when it loads."""
    if name == "qwen3_vl":
        return key
    return key.replace("model.language_model.", "model.").replace("model.visual.", "visual.")


def main() -> None:
    for name in sys.argv[1:] or ("qwen2_vl", "qwen2_5_vl", "qwen3_vl"):
        torch.manual_seed(7)
        model = build(name).eval().float()
        for parameter in model.parameters():  # biases and norms too, so that none is trivially right
            torch.nn.init.normal_(parameter, std=0.15) if parameter.dim() > 1 else torch.nn.init.normal_(
                parameter, mean=1.0 if parameter.abs().sum() > 0 else 0.0, std=0.1)
        folder = FIXTURES / name
        folder.mkdir(parents=True, exist_ok=True)
        save_file({hub_name(k, name): v.detach().clone().contiguous() for k, v in model.state_dict().items()}, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(flat_config(model), indent=1) + "\n")
        generator = torch.Generator().manual_seed(3)
        rows, total = [], 0.0
        for at, entry in enumerate(SEQUENCES):
            if name == "qwen3_vl":  # the frames of a film stand in its text one by one, which data here does not write
                entry = entry | {"videos": []}
            ids = sequence(entry, generator)
            kwargs = dict(input_ids=torch.tensor([ids]), use_cache=False,
                          mm_token_type_ids=torch.tensor([[{IMAGE: 1, VIDEO: 2}.get(i, 0) for i in ids]], dtype=torch.int32))
            size = 3 * 2 * 4 * 4
            kwargs |= dict(pixel_values=pixels(patch_count(entry["images"]), size, at), image_grid_thw=torch.tensor(entry["images"]))
            if entry["videos"]:
                kwargs |= dict(pixel_values_videos=pixels(patch_count(entry["videos"]), size, 10 + at),
                               video_grid_thw=torch.tensor(entry["videos"]))
                if name == "qwen2_5_vl":
                    kwargs |= dict(second_per_grid_ts=torch.tensor([SECONDS] * len(entry["videos"])))
            extra = {"second_per_grid_ts": kwargs.get("second_per_grid_ts")} if "second_per_grid_ts" in kwargs else {}
            positions, _ = model.model.get_rope_index(
                kwargs["input_ids"], kwargs["mm_token_type_ids"], kwargs["image_grid_thw"], kwargs.get("video_grid_thw"), **extra)
            kwargs.pop("second_per_grid_ts", None)
            logits = model(position_ids=positions, **kwargs).logits[0]
            counted = list(range(len(ids) - 6, len(ids)))
            loss = -torch.log_softmax(logits, -1)[[c - 1 for c in counted], [ids[c] for c in counted]].sum()
            loss.backward()
            total += loss.item()
            with torch.no_grad():
                seen = model.model.get_image_features(kwargs["pixel_values"], kwargs["image_grid_thw"]).pooler_output
                seen = torch.cat(tuple(seen))
            rows.append({"embeddings": {str(r): seen[r].tolist() for r in (0, 1, len(seen) - 1)}, "ids": ids, **entry, "positions": positions[:, 0].tolist(), "loss": loss.item(),
                         "logits": {str(r): logits[r].tolist() for r in (0, len(ids) // 2, len(ids) - 1)}})
        with torch.no_grad():  # greedy, without a cache: the positions of new tokens go on from the prompt's largest
            row = rows[0]
            ids, new = list(row["ids"]), []
            for _ in range(8):
                kwargs = dict(mm_token_type_ids=torch.tensor([[1 if i == IMAGE else 0 for i in ids]], dtype=torch.int32),
                              image_grid_thw=torch.tensor(row["images"]), pixel_values=pixels(patch_count(row["images"]), 96, 0))
                logits = model(input_ids=torch.tensor([ids]), use_cache=False, **kwargs).logits[0, -1]
                top = logits.topk(2).values
                assert top[0] - top[1] > 1e-3, "a near tie would make this test meaningless"
                new.append(int(logits.argmax()))
                ids.append(new[-1])
        gradients = {}
        for key, parameter in model.named_parameters():
            flat = parameter.grad.reshape(-1)
            picks = [(31 * i + 7) % flat.numel() for i in range(3)]
            gradients[hub_name(key, name)] = {"norm": float(flat.norm()), "picks": [[p, float(flat[p])] for p in picks]}
        order, lengths = None, None
        if name == "qwen2_5_vl":
            grids = [[1, 10, 12], [2, 4, 6], [1, 8, 8]]
            index, cumulative = get_vision_window_index(torch.tensor(grids), 2, 16, 4)
            order, lengths = index.tolist(), cumulative.diff().tolist()
        text = json.dumps({"secondsPerPatch": SECONDS, "rows": rows, "loss": total, "gradients": gradients, "greedy": new,
                           "windows": {"order": order, "lengths": lengths}})
        (folder / "oracle.json").write_text(text + "\n")
        print(name, f"loss {total:.4f}, {sum(p.numel() for p in model.parameters())} weights,", f"{len(text) / 1024:.0f} kB, greedy {new}")


if __name__ == "__main__":
    main()
