# SPDX-License-Identifier: Apache-2.0
"""DPO of TRL 1.13 for 20 steps on real pairs with photos, as LLaMA-Factory's example configures it (survey of its
examples/train_lora/qwen2vl_lora_dpo.yaml: LoRA on all linear layers of the language half, β 0.1, cosine, 8 rows a step; without
warm-up, whose first step Transformers takes at rate 0), over 40 rows at a learning rate that moves a tiny random model.

    python oracles/vision/trl_dpo_curve.py DATA

DATA holds vlm-preference-sugarcrepe/ and tokenizers/qwen2-vl/. The model is what `llmf init` makes of
packages/vision/fixtures/trl-dpo/config.json with seed 1. Writes to that folder the starting adapter, the losses and the
trained adapter; nothing of the photos.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from datasets import Dataset
from datasets import Image as ImageFeature
from datasets import Sequence
from peft import LoraConfig
from safetensors.torch import save_file
from transformers import AutoTokenizer, Qwen2VLForConditionalGeneration, Qwen2VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from trl import DPOConfig, DPOTrainer

FIXTURE = Path("packages/vision/fixtures/trl-dpo")
SETTINGS = dict(steps=20, rows=40, learningRate=1e-2, beta=0.1, rank=8, alpha=16, batchSize=2, gradientAccumulation=4,
                warmupRatio=0.0, maxPixels=12544, minPixels=3136)
SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
PROMPT = SYSTEM + "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>{}<|im_end|>\n<|im_start|>assistant\n"


def init_model(folder: Path, tokenizer: Path) -> None:
    command = ["node", "packages/cli/bin/llmf.js", "init", str(folder), "--config", str(FIXTURE / "config.json"),
               "--tokenizer", str(tokenizer), "--seed", "1", "--plugin", "vision"]
    subprocess.run(command, check=True)


def rows(data: Path) -> Dataset:
    folder = data / "vlm-preference-sugarcrepe"
    entries = json.loads((folder / "dpo_sharegpt_format.json").read_text())
    made = [dict(prompt=PROMPT.format(row["conversations"][0]["value"].replace("<image>", "")),
                 chosen=row["chosen"]["value"] + "<|im_end|>",
                 rejected=row["rejected"]["value"] + "<|im_end|>",
                 images=[str((folder / path).resolve()) for path in row["images"]]) for row in entries[:SETTINGS["rows"]]]
    return Dataset.from_list(made).cast_column("images", Sequence(ImageFeature()))


def ours(name: str) -> str:
    """Our key: as on the hub, where the language half is `model.`."""
    return name.replace(".default", "").replace("model.language_model.", "model.")


def adapter(model) -> dict[str, torch.Tensor]:
    return {ours(name): parameter.detach().clone().contiguous()
            for name, parameter in model.named_parameters() if "lora_" in name}


class Stills(Qwen2VLProcessor):
    """Without the video processor, which needs torchvision."""

    def __init__(self, image_processor, tokenizer, chat_template):
        self.image_processor, self.tokenizer, self.chat_template = image_processor, tokenizer, chat_template
        self.video_processor = None
        self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
        self.image_token_id, self.video_token_id = map(tokenizer.convert_tokens_to_ids, ("<|image_pad|>", "<|video_pad|>"))
        self.image_ids, self.video_ids = [self.image_token_id], [self.video_token_id]


class Ordered(DPOTrainer):
    """Rows as they stand in the file; starts from the adapter that was written."""

    def _get_train_sampler(self, dataset=None):
        return torch.utils.data.SequentialSampler(self.train_dataset)


def main(data: Path) -> None:
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        model_folder = Path(scratch) / "model"
        init_model(model_folder, data / "tokenizers" / "qwen2-vl")
        tokenizer = AutoTokenizer.from_pretrained(model_folder)
        pixels = dict(max_pixels=SETTINGS["maxPixels"], min_pixels=SETTINGS["minPixels"])
        images = Qwen2VLImageProcessorPil.from_pretrained(model_folder, **pixels)
        template = json.loads((data / "tokenizers" / "qwen2-vl" / "chat_template.json").read_text())["chat_template"]
        processor = Stills(images, tokenizer, template)
        model = Qwen2VLForConditionalGeneration.from_pretrained(model_folder, dtype=torch.float32)
        lora = LoraConfig(r=SETTINGS["rank"], lora_alpha=SETTINGS["alpha"], lora_dropout=0.0, bias="none",
                          target_modules=r".*language_model.*\.(q|k|v|o|gate|up|down)_proj")
        arguments = DPOConfig(
            output_dir=str(Path(scratch) / "out"), max_steps=SETTINGS["steps"], beta=SETTINGS["beta"],
            learning_rate=SETTINGS["learningRate"], lr_scheduler_type="cosine", warmup_steps=round(SETTINGS["warmupRatio"] * SETTINGS["steps"]),
            per_device_train_batch_size=SETTINGS["batchSize"],
            gradient_accumulation_steps=SETTINGS["gradientAccumulation"], logging_steps=1, report_to=[], bf16=False,
            use_cpu=True, max_length=None, gradient_checkpointing=False, save_strategy="no", disable_tqdm=True,
            remove_unused_columns=False)
        trainer = Ordered(model=model, args=arguments, train_dataset=rows(data), processing_class=processor,
                          peft_config=lora)
        start = adapter(trainer.model)
        trainer.train()
        end = adapter(trainer.model)
    history = [entry for entry in trainer.state.log_history if "loss" in entry]
    save_file(start, FIXTURE / "start.safetensors")
    save_file(end, FIXTURE / "end.safetensors")
    settings = SETTINGS | dict(maxGradNorm=arguments.max_grad_norm, weightDecay=arguments.weight_decay,
                               adamEpsilon=arguments.adam_epsilon)
    curve = [dict(loss=entry["loss"], gradNorm=entry["grad_norm"], margin=entry["rewards/margins"],
                  learningRate=entry["learning_rate"]) for entry in history]
    (FIXTURE / "curve.json").write_text(json.dumps(dict(settings=settings, curve=curve), indent=1) + "\n")
    print([round(entry["loss"], 4) for entry in history])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
