// SPDX-License-Identifier: Apache-2.0
/** Axolotl's own examples (0.18, 067b021): each option told, or refused with a reason. */
import { describe, expect, it } from 'vitest';
import { checked, refusals, translated } from './support/shapes.js';
import type { Options } from './translation.js';

/** What nearly every example ends with. */
const usual: Options = {
  wandb_project: null,
  wandb_entity: null,
  wandb_watch: null,
  wandb_name: null,
  wandb_log_model: null,
  gradient_accumulation_steps: 4,
  micro_batch_size: 2,
  num_epochs: 4,
  optimizer: 'adamw_bnb_8bit',
  lr_scheduler: 'cosine',
  learning_rate: 0.0002,
  bf16: 'auto',
  tf32: false,
  gradient_checkpointing: true,
  resume_from_checkpoint: null,
  logging_steps: 1,
  attn_implementation: 'flash_attention_2',
  warmup_ratio: 0.1,
  evals_per_epoch: 4,
  saves_per_epoch: 1,
  weight_decay: 0,
};
const lora: Options = {
  adapter: 'lora',
  lora_model_dir: null,
  lora_r: 32,
  lora_alpha: 16,
  lora_dropout: 0.05,
  lora_target_linear: true,
};
const qlora: Options = { load_in_8bit: false, load_in_4bit: true, ...lora, adapter: 'qlora' };
const sequence: Options = { sequence_len: 4096, sample_packing: true, dataset_prepared_path: null };
const alpaca = [{ path: 'mhenrichsen/alpaca_2k_test', type: 'alpaca' }];
const messages: Options = {
  path: 'fozziethebeat/alpaca_messages_2k_dpo_test',
  type: 'chat_template.default',
  field_messages: 'conversation',
  field_chosen: 'chosen',
  field_rejected: 'rejected',
  message_property_mappings: { role: 'role', content: 'content' },
  roles: { system: ['system'], user: ['user'], assistant: ['assistant'] },
};
const ultra = 'argilla/ultrafeedback-binarized-preferences-cleaned';

const shapes: readonly [name: string, options: Options][] = [
  [
    'llama-3/qlora.yml',
    {
      base_model: 'NousResearch/Meta-Llama-3-8B',
      model_type: 'AutoModelForCausalLM',
      tokenizer_type: 'AutoTokenizer',
      datasets: [{ path: 'aaditya/alpaca_subset_1', type: 'alpaca' }],
      val_set_size: 0,
      output_dir: './outputs/qlora-out',
      ...qlora,
      ...sequence,
      ...usual,
      optimizer: 'paged_adamw_32bit',
      special_tokens: { pad_token: '<|end_of_text|>' },
    },
  ],
  [
    'llama-3/instruct-lora-8b.yml',
    {
      base_model: 'NousResearch/Meta-Llama-3-8B-Instruct',
      load_in_8bit: true,
      load_in_4bit: false,
      chat_template: 'llama3',
      datasets: [{ path: 'fozziethebeat/alpaca_messages_2k_test', type: 'chat_template' }],
      val_set_size: 0.05,
      output_dir: './outputs/lora-out',
      ...lora,
      ...sequence,
      ...usual,
    },
  ],
  [
    'llama-3/instruct-dpo-lora-8b.yml',
    {
      base_model: 'meta-llama/Meta-Llama-3-8B-Instruct',
      special_tokens: { pad_token: '<|finetune_right_pad_id|>', eos_token: '<|eot_id|>' },
      load_in_8bit: true,
      chat_template: 'llama3',
      rl: 'dpo',
      datasets: [messages],
      val_set_size: 0.05,
      output_dir: './outputs/lora-out',
      ...lora,
      ...sequence,
      ...usual,
    },
  ],
  [
    'llama-3/fft-8b.yaml',
    {
      base_model: 'NousResearch/Meta-Llama-3.1-8B',
      datasets: [{ path: 'tatsu-lab/alpaca', type: 'alpaca' }],
      val_set_size: 0.05,
      output_dir: './outputs/out',
      ...sequence,
      ...usual,
      optimizer: 'paged_adamw_8bit',
      gradient_checkpointing_kwargs: { use_reentrant: false },
    },
  ],
  [
    'llama-3/lora-1b-kernels.yml',
    {
      base_model: 'NousResearch/Llama-3.2-1B',
      datasets: alpaca,
      output_dir: './outputs/lora-out',
      ...lora,
      lora_target_linear: null,
      lora_target_modules: ['q_proj', 'v_proj', 'o_proj'],
      lora_mlp_kernel: true,
      lora_qkv_kernel: true,
      lora_o_kernel: true,
      ...sequence,
      ...usual,
      loss_watchdog_threshold: 5,
      loss_watchdog_patience: 3,
    },
  ],
  [
    'llama-3/qlora-1b-kto.yaml',
    {
      base_model: 'meta-llama/Llama-3.2-1B',
      rl: 'kto',
      rl_beta: 0.5,
      kto_desirable_weight: 0.2,
      datasets: [{ path: `${ultra}-kto`, type: 'llama3.ultra', split: 'train' }],
      output_dir: './outputs/qlora-out',
      remove_unused_columns: false,
      ...qlora,
      ...sequence,
      ...usual,
      optimizer: 'adamw_8bit',
    },
  ],
  [
    'mistral/orpo/mistral-qlora-orpo.yml',
    {
      base_model: 'mistralai/Mistral-7B-v0.1',
      rl: 'orpo',
      orpo_alpha: 0.1,
      chat_template: 'chatml',
      datasets: [{ path: ultra, type: 'chat_template.argilla' }],
      val_set_size: 0.1,
      output_dir: './outputs/mistral-qlora-orpo-out',
      ...qlora,
      ...sequence,
      ...usual,
      special_tokens: null,
    },
  ],
  [
    'qwen2/dpo.yaml',
    {
      base_model: 'Qwen/Qwen2.5-0.5B',
      chat_template: 'qwen_25',
      rl: 'dpo',
      datasets: [messages],
      output_dir: './o',
      ...sequence,
      ...usual,
    },
  ],
  [
    'qwen2/reward-model.yaml',
    {
      base_model: 'Qwen/Qwen2.5-0.5B',
      model_type: 'AutoModelForSequenceClassification',
      num_labels: 1,
      reward_model: true,
      chat_template: 'qwen_25',
      datasets: [{ path: 'argilla/distilabel-intel-orca-dpo-pairs', type: 'bradley_terry.chat_template' }],
      output_dir: './outputs/out',
      ...sequence,
      ...usual,
      evals_per_epoch: null,
      bf16: true,
      fp16: null,
    },
  ],
  [
    'SimPO, with TensorBoard and MLflow',
    {
      base_model: './model',
      rl: 'simpo',
      rl_beta: 2,
      simpo_gamma: 0.5,
      cpo_alpha: 0,
      datasets: [{ path: 'pairs.jsonl', ds_type: 'json', type: 'chatml.intel' }],
      output_dir: './o',
      ...lora,
      ...usual,
      use_tensorboard: true,
      use_mlflow: true,
      mlflow_experiment_name: 'pairs',
    },
  ],
];

describe.each(shapes)('%s', (_name, options) => {
  it('has a line for every option, none refused, and is a config that llmf takes', async () => {
    const { config } = translated('axolotl', options);
    expect(refusals('axolotl', options)).toEqual([]);
    await checked(config);
  });
});

const first = (name: string): Options => translated('axolotl', shapes.find(([each]) => each === name)![1]).config;

describe('translate', () => {
  it('takes over what decides', () => {
    expect(first('llama-3/qlora.yml')).toMatchObject({
      model: { path: 'NousResearch/Meta-Llama-3-8B' },
      stage: 'sft',
      quantization: { name: 'nf4' },
      adapter: { name: 'lora', rank: 32, alpha: 16, dropout: 0.05, targets: 'all' },
      data: { train: [{ path: 'aaditya/alpaca_subset_1', format: 'alpaca' }], maxLength: 4096 },
      train: {
        batchSize: 2,
        gradientAccumulation: 4,
        epochs: 4,
        learningRate: 2e-4,
        schedule: 'cosine',
        warmupRatio: 0.1,
      },
      backend: { precision: 'auto' },
    });
  });

  it('trains every weight without an adapter, and by the defaults of there', () => {
    const { config } = translated('axolotl', {
      base_model: './m',
      datasets: alpaca,
      learning_rate: '1e-5',
      output_dir: 'o',
    });
    expect(config).toMatchObject({
      adapter: 'none',
      backend: { precision: 'f32' },
      data: { maxLength: 512 },
      train: { batchSize: 1, warmupRatio: 0.03, learningRate: 1e-5, schedule: 'cosine', optimizer: 'adamw' },
    });
  });

  it('reads names of columns and roles', () => {
    expect(first('llama-3/instruct-dpo-lora-8b.yml')['data']).toMatchObject({
      train: [
        {
          columns: { messages: 'conversation', chosen: 'chosen', rejected: 'rejected' },
          tags: { role: 'role', content: 'content', user: 'user', assistant: 'assistant', system: 'system' },
        },
      ],
    });
  });

  it('keeps the numbers of losses', () => {
    expect(first('llama-3/qlora-1b-kto.yaml')['loss']).toEqual({
      name: 'kto',
      beta: 0.5,
      desirableWeight: 0.2,
      undesirableWeight: 1,
    });
    expect(first('SimPO, with TensorBoard and MLflow')['loss']).toEqual({
      name: 'simpo',
      beta: 2,
      gamma: 0.5,
      cpoAlpha: 0,
    });
    expect(first('SimPO, with TensorBoard and MLflow')['mlflow']).toEqual({ experiment: 'pairs' });
  });
});

it.each<[string, Options, string]>([
  ['GRPO', { rl: 'grpo' }, 'rl'],
  ['an unknown type of rows', { datasets: [{ path: 'x', type: 'orcamini' }] }, 'datasets'],
  ['an unknown key of a data set', { datasets: [{ path: 'x', type: 'alpaca', temperature: 2 }] }, 'datasets'],
  ['Muon', { optimizer: 'muon' }, 'optimizer'],
  ['a plugin', { plugins: ['axolotl.integrations.kd.KDPlugin'] }, 'plugins'],
  ['new tokens', { tokens: ['<|tool|>'] }, 'tokens'],
  ['entropy-adaptive losses', { use_eaft: true }, 'use_eaft'],
  ['a misspelt key', { lora_rank: 8 }, 'lora_rank'],
])('refuses %s', (_name, options, key) => {
  expect(refusals('axolotl', { base_model: './m', output_dir: 'o', ...options })).toEqual([key]);
});

it.each([
  ['of kernels', { attention: 'flash', flash_attn_rms_norm: true, flash_attn_fuse_qkv: false }],
  ['of a GPTQ folder', { gptq: true, gptq_disable_exllama: true, tokenizer_legacy: true, hf_use_auth_token: true }],
])('takes no notice of what a config says %s, and says so', (_, options) => {
  expect(refusals('axolotl', { base_model: './m', output_dir: 'o', datasets: alpaca, ...options })).toEqual([]);
});
