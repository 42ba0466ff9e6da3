// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testIo } from '../../test/support/test-io.js';
import { runCli } from '../run-cli.js';
import { migrationTables } from './tables.generated.js';

/** What `llmf train` says to a config of that text. */
async function answerTo(config: string, name = 'pasted.yaml'): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'llmf-foreign-'));
  writeFileSync(join(folder, name), config);
  const io = testIo({ folder });
  expect(await runCli(['train', name], io)).toBe(1);
  return io.text.err;
}

const pasted: readonly (readonly [tool: string, config: string, told: readonly string[]])[] = [
  [
    'LLaMA-Factory',
    'model_name_or_path: ./model\nstage: dpo\ndo_train: true\nfinetuning_type: lora\nlora_rank: 16\nlora_target: all\ndataset: pairs\ntemplate: qwen\ncutoff_len: 512\nsave_steps: 100\nper_device_train_batch_size: 1\n',
    [
      'lora_rank: 16 → adapter.rank=16',
      'stage: dpo → stage=preference loss=dpo',
      'save_steps: 100 → train.saveEvery=100',
    ],
  ],
  [
    'TRL',
    'model_name_or_path: Qwen/Qwen3-0.6B\ndataset_name: trl-lib/Capybara\nlearning_rate: 2.0e-4\nuse_peft: true\nlora_r: 32\nlora_alpha: 16\neos_token: <|im_end|>\noutput_dir: out\npush_to_hub: true\n',
    [
      'lora_r: 32 → adapter.rank=32',
      'use_peft: true → adapter=lora',
      'learning_rate: 0.0002 → train.learningRate=0.0002',
    ],
  ],
  [
    'MedicalGPT',
    'model_type: auto\nmodel_name_or_path: m\ntrain_file_dir: data/reward\nvalidation_file_dir: data/eval\nmax_source_length: 256\nmax_target_length: 256\nuse_peft: true\nlora_rank: 8\n',
    ['train_file_dir: data/reward → data.train', 'lora_rank: 8 → adapter.rank=8'],
  ],
  [
    'trlX',
    'train: { seq_length: 1024, epochs: 100, total_steps: 1000, batch_size: 8, tracker: wandb }\nmodel: { model_path: gpt2, num_layers_unfrozen: 2 }\ntokenizer: { tokenizer_path: gpt2, truncation_side: right }\noptimizer: { name: adamw, kwargs: { lr: 3.0e-5 } }\nmethod: { name: SFTConfig }\n',
    [
      'train.batch_size: 8 → train.batchSize=8',
      'tokenizer.truncation_side: right → data.truncation=keepStart',
      'optimizer.kwargs.lr: 0.00003 → train.learningRate=0.00003',
    ],
  ],
  [
    'Axolotl',
    'base_model: NousResearch/Llama-3.2-1B\ndatasets:\n  - { path: rows.jsonl, type: alpaca }\nval_set_size: 0.1\nadapter: lora\nlora_r: 16\nsequence_len: 2048\nsample_packing: true\nmicro_batch_size: 2\nnum_epochs: 1\nlearning_rate: 0.0002\n',
    [
      'adapter: lora → adapter=lora',
      'micro_batch_size: 2 → train.batchSize=2',
      'sequence_len: 2048 → data.maxLength=2048',
    ],
  ],
];

describe('a pasted config', () => {
  it.each(pasted)('of %s gets one message with the mapped keys and the page', async (tool, config, told) => {
    const answer = await answerTo(config);
    expect(answer.match(/LLMF_/g)).toHaveLength(1);
    expect(answer).toContain('LLMF_CLI_FOREIGN_CONFIG: this looks like a config of ' + tool);
    expect(answer).toContain('docs/coming-from.md');
    for (const line of told) expect(answer).toContain(line);
  });

  it('may be JSON', async () => {
    expect(await answerTo('{"model_name_or_path": "m", "lora_rank": 8, "stage": "sft"}', 'lf.json')).toContain(
      'adapter.rank=8',
    );
  });

  it('names the keys that the page does not', async () => {
    expect(await answerTo(`${pasted[0]![1]}galore_rank: 8\n`)).toContain('also, not in that table: galore_rank');
  });

  it('shows the user’s own paths and names, and leaves words alone that may be others here', async () => {
    const answer = await answerTo(pasted[0]![1].replace('lora_target: all', 'lora_target: q_proj, o_proj'));
    expect(answer).toContain('lora_target: q_proj, o_proj → adapter.targets=[q_proj, o_proj]');
    expect(await answerTo(pasted[0]![1])).toContain('lora_target: all → adapter.targets=all');
    const axolotl = await answerTo(`${pasted[4]![1]}lora_target_modules: [gate_proj]\noptimizer: adamw_8bit\n`);
    expect(axolotl).toContain('base_model: NousResearch/Llama-3.2-1B → model.path=NousResearch/Llama-3.2-1B');
    expect(axolotl).toContain('lora_target_modules: ["gate_proj"] → adapter.targets=[gate_proj]');
  });

  it('full of slips is still known, and each slip is told with what it is near', async () => {
    const slips =
      'base_model: m\ndatasets: []\nload_in_4bits: true\nmicrobatch_size: 2\nnum_epoch: 1\nsequence_length: 64\n';
    const answer = await answerTo(slips);
    expect(answer).toContain('looks like a config of Axolotl');
    expect(answer).toMatch(/not in that table: .*load_in_4bits \(load_in_4bit\?\).*num_epoch \(num_epochs\?\)/);
  });

  it('of TRL’s DPO has DPO’s default loss, not CPO’s', async () => {
    expect(await answerTo('dataset_name: d\nuse_peft: true\nbeta: 0.1\nloss_type: sigmoid\n')).toContain(
      'loss_type: sigmoid → loss=dpo',
    );
  });

  it.each([
    ['a slip', 'model: { path: m }\ndata: { train: [{ path: d }] }\nlearning_rate: 1\n'],
    ['several slips of our own words', 'model: { path: m }\nmaxlength: 3\ntrian: { epochs: 1 }\nadaptr: lora\n'],
  ])('is not suspected behind %s', async (_, config) => expect(await answerTo(config)).not.toContain('FOREIGN_CONFIG'));
});

it('the tables have a section of the page for each tool', () => {
  expect(migrationTables.map(({ tool }) => tool)).toEqual(['LLaMA-Factory', 'TRL', 'MedicalGPT', 'trlX', 'Axolotl']);
});
