# SPDX-License-Identifier: Apache-2.0
"""What Pillow and Transformers' PIL image processor make of the drawn pictures.

    python oracles/vision/draw_images.py && python oracles/vision/image_processor.py

Writes packages/vision/fixtures/image-processor.json: per picture the decoded RGB (sha256), the resized bytes (sha256),
the grid, and pixel values (sha256 of the float32 bytes, sum, 24 samples). Everything is exact; no tolerance is needed.
"""

import hashlib
import json
import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize

FIXTURES = Path("packages/vision/fixtures")
CHECKPOINT = {"min_pixels": 3136, "max_pixels": 12845056, "patch_size": 14, "temporal_patch_size": 2, "merge_size": 2}
SMALL = {**CHECKPOINT, "max_pixels": 256 * 28 * 28}
Image.MAX_IMAGE_PIXELS = None


def sha(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def pre_resize(image: Image.Image, max_pixels: int, min_pixels: int) -> Image.Image:
    """LLaMA-Factory's limits for Qwen2-VL (field notes on mm_plugin.py), on an RGB picture."""
    if image.width * image.height > max_pixels:
        factor = math.sqrt(max_pixels / (image.width * image.height))
        image = image.resize((max(1, int(image.width * factor)), max(1, int(image.height * factor))))
    if image.width * image.height < min_pixels:
        factor = math.sqrt(min_pixels / (image.width * image.height))
        image = image.resize((max(1, int(image.width * factor)), max(1, int(image.height * factor))))
    if min(image.width, image.height) < 28:
        image = image.resize((max(image.width, 28), max(image.height, 28)))
    if image.width / image.height > 200:
        image = image.resize((image.height * 180, image.height))
    if image.height / image.width > 200:
        image = image.resize((image.width, image.width * 180))
    return image


def processed(image: Image.Image, settings: dict) -> dict:
    processor = Qwen2VLImageProcessorPil(**settings)
    out = processor(images=image, return_tensors="np")
    values, grid = out["pixel_values"], out["image_grid_thw"][0].tolist()
    assert values.dtype == np.float32
    rgb = image.convert("RGB")
    height, width = smart_resize(rgb.height, rgb.width, 28, settings["min_pixels"], settings["max_pixels"])
    flat = values.reshape(-1)
    picks = [(7919 * i * i + 104729 * i) % flat.size for i in range(24)]
    return {
        "grid": grid,
        "resized": sha(np.array(rgb.resize((width, height), Image.BICUBIC))),
        "values": sha(values),
        "sum": float(values.astype(np.float64).sum()),
        "samples": [[i, float(flat[i])] for i in picks],
    }


def main() -> None:
    rows = []
    for file in sorted((FIXTURES / "images").iterdir()):
        image = Image.open(file)
        rgb = np.array(image.convert("RGB"))
        upright = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
        orientation = Image.open(file).getexif().get(0x0112, 1)
        row = {"file": file.name, "mode": image.mode, "size": list(image.size), "orientation": orientation}
        row |= {"rgb": sha(rgb), "upright": {"size": list(upright.size), "rgb": sha(np.array(upright))}}
        row |= {"checkpoint": processed(image, CHECKPOINT), "small": processed(image, SMALL)}
        limited = pre_resize(image.convert("RGB"), 768 * 768, 32 * 32)
        row["limited"] = {"size": list(limited.size), **processed(limited, CHECKPOINT)}
        rows.append(row)
    sizes = []
    for width, height in [(w, h) for w in (1, 13, 14, 28, 42, 70, 98, 126, 333, 1000, 4321) for h in (1, 15, 42, 500, 3001)]:
        if max(width, height) / min(width, height) <= 200:
            for limits in (CHECKPOINT, SMALL):
                out = smart_resize(height, width, 28, limits["min_pixels"], limits["max_pixels"])
                sizes.append([width, height, limits["max_pixels"], out[1], out[0]])
    text = json.dumps({"settings": {"checkpoint": CHECKPOINT, "small": SMALL}, "images": rows, "sizes": sizes})
    (FIXTURES / "image-processor.json").write_text(text + "\n")
    print(f"{len(rows)} pictures, {len(sizes)} sizes, {len(text) / 1024:.0f} kB")


if __name__ == "__main__":
    main()
