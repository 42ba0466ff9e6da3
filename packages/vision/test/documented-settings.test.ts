// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { pageNamed } from '../../../test/support/docs.js';

/** Keys of LLaMA-Factory's examples/train_lora/qwen2vl_lora_dpo.yaml and of its successors. */
const peerKeys =
  `model_name_or_path stage do_train finetuning_type lora_target lora_rank pref_beta pref_loss dataset template
  cutoff_len max_samples overwrite_cache preprocessing_num_workers output_dir logging_steps save_steps plot_loss
  overwrite_output_dir per_device_train_batch_size gradient_accumulation_steps learning_rate num_train_epochs
  lr_scheduler_type warmup_ratio bf16 ddp_timeout val_size per_device_eval_batch_size eval_strategy eval_steps
  image_max_pixels video_max_pixels trust_remote_code dataloader_num_workers save_only_model report_to
  resume_from_checkpoint`.split(/\s+/);

const page = pageNamed('docs/vision.md');
const table = page.text.match(/^\| `[^\n]*$/gm)!.map((row) => row.split('|').map((cell) => cell.trim()));

describe('the table of LLaMA-Factory’s keys', () => {
  it('says what each becomes', () => {
    const told = table.map(([, theirs]) => theirs).join(' ');
    expect(peerKeys.filter((key) => !new RegExp(`\`${key}\\b`).test(told))).toEqual([]);
    expect(peerKeys).toHaveLength(38);
  });

  it('names keys that exist', () => {
    const known = pageNamed('docs/configuration.md').text;
    const names = table.flatMap(([, , ours = '']) =>
      [...ours.matchAll(/`((?:model|data|train|vision|loss|backend)\.\w+(?:\.\w+)?)/g)].map(([, name]) => name!),
    );
    const given = (name: string) => (name === 'loss.name' || name === 'loss.beta' ? 'loss' : name);
    expect(names.filter((name) => !known.includes(`\`${given(name)}\``))).toEqual([]);
    expect(names.length).toBeGreaterThan(20);
  });
});
