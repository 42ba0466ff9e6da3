// SPDX-License-Identifier: Apache-2.0
import { resolveConfig, wholeSource } from '@llmf/core';
import { describe, expect, it } from 'vitest';
import { composeEngine } from '../compose-engine.js';
import { optionsOfFlags } from './flags.js';
import { toolNamed } from './foreign-words.js';
import { toolNames } from './tool-names.js';
import { tools } from './tools.js';
import { translate, type Options } from './translation.js';

const vlDpo: Options = {
  model_name_or_path: 'Qwen/Qwen2-VL-7B-Instruct',
  stage: 'dpo',
  do_train: true,
  finetuning_type: 'lora',
  lora_target: 'all',
  pref_beta: 0.1,
  pref_loss: 'sigmoid',
  dataset: 'rlhf_v',
  template: 'qwen2_vl',
  cutoff_len: 1024,
  max_samples: 1000,
  overwrite_cache: true,
  preprocessing_num_workers: 16,
  output_dir: 'saves/qwen2_vl-7b/lora/dpo',
  logging_steps: 10,
  save_steps: 500,
  plot_loss: true,
  overwrite_output_dir: true,
  per_device_train_batch_size: 1,
  gradient_accumulation_steps: 8,
  learning_rate: 5e-6,
  num_train_epochs: 3,
  lr_scheduler_type: 'cosine',
  warmup_ratio: 0.1,
  bf16: true,
  ddp_timeout: 180000000,
  val_size: 0.1,
  per_device_eval_batch_size: 1,
  eval_strategy: 'steps',
  eval_steps: 500,
};
const lf = (changes: Options): Options => ({
  model_name_or_path: './model',
  dataset: 'rows',
  output_dir: 'out',
  finetuning_type: 'lora',
  ...changes,
});
const flags = (text: string): Options => optionsOfFlags(text.trim().split(/\s+/));
const trlBase = '--model_name_or_path ./model --dataset_name rows.jsonl --output_dir out';

/** Configs and command lines of the shapes that their users have. */
const shapes: readonly [name: string, tool: string, options: Options][] = [
  ['Qwen2-VL by DPO', 'llamafactory', vlDpo],
  ['Qwen2-VL by SimPO', 'llamafactory', { ...vlDpo, pref_loss: 'simpo', simpo_gamma: 0.5, pref_beta: 2 }],
  ['Qwen2-VL by ORPO', 'llamafactory', { ...vlDpo, pref_loss: 'orpo' }],
  [
    'supervised, LoRA',
    'llamafactory',
    lf({ stage: 'sft', template: 'llama3', report_to: 'none', save_only_model: false, disable_shuffling: true }),
  ],
  [
    'supervised, all weights',
    'llamafactory',
    lf({ stage: 'sft', finetuning_type: 'full', pure_bf16: true, deepspeed: 'ds.json' }),
  ],
  [
    'supervised, frozen first layers',
    'llamafactory',
    lf({ stage: 'sft', finetuning_type: 'freeze', freeze_trainable_layers: 2, freeze_trainable_modules: 'mlp' }),
  ],
  [
    'QLoRA',
    'llamafactory',
    lf({ stage: 'sft', quantization_bit: 4, quantization_method: 'bnb', double_quantization: true }),
  ],
  ['KTO', 'llamafactory', lf({ stage: 'kto', pref_beta: 0.1, kto_chosen_weight: 1, kto_rejected_weight: 1 })],
  ['reward model', 'llamafactory', lf({ stage: 'rm', flash_attn: 'auto', trust_remote_code: true })],
  ['PPO', 'llamafactory', lf({ stage: 'ppo', reward_model: './reward', reward_model_type: 'full' })],
  [
    'DPO with a supervised part',
    'llamafactory',
    lf({ stage: 'dpo', pref_ftx: 0.1, dpo_label_smoothing: 0.1, ref_model: './sft' }),
  ],
  [
    'two data sets, interleaved',
    'llamafactory',
    lf({
      stage: 'sft',
      dataset: 'a, b',
      mix_strategy: 'interleave_under',
      interleave_probs: '0.7,0.3',
      eval_dataset: 'c',
    }),
  ],
  [
    'LoRA+ and rsLoRA',
    'llamafactory',
    lf({ stage: 'sft', loraplus_lr_ratio: 16, use_rslora: true, lora_target: 'q_proj,v_proj' }),
  ],
  ['trl sft', 'trl', flags(`--trainer sft ${trlBase} --use_peft --lora_r 8 --packing --learning_rate 2.0e-4`)],
  ['trl dpo', 'trl', flags(`--trainer dpo ${trlBase} --beta 0.1 --loss_type ipo --bf16 True --gradient_checkpointing`)],
  ['trl kto', 'trl', flags(`--trainer kto ${trlBase} --desirable_weight 1.0 --max_steps 10`)],
  ['trl reward', 'trl', flags(`--trainer reward ${trlBase} --use_peft --lora_target_modules all-linear`)],
  ['trl cpo with SimPO', 'trl', flags(`--trainer cpo ${trlBase} --loss_type simpo --simpo_gamma 0.5 --cpo_alpha 0`)],
  [
    'dpo_training.py',
    'medicalgpt',
    flags(`--model_type bloom --model_name_or_path bigscience/bloom-560m --cache_dir ./cache --use_fast_tokenizer True
      --train_file_dir data/reward --validation_file_dir data/reward --per_device_train_batch_size 3
      --per_device_eval_batch_size 1 --do_train --do_eval --use_peft True --target_modules all --lora_rank 8
      --lora_alpha 16 --lora_dropout 0.05 --max_train_samples 1000 --max_eval_samples 10 --max_steps 100 --eval_steps 10
      --save_steps 50 --max_source_length 128 --max_target_length 128 --output_dir outputs-dpo-v1 --torch_dtype float16
      --fp16 True --device_map auto --report_to tensorboard --remove_unused_columns False --gradient_checkpointing True`),
  ],
];

describe.each(shapes)('%s', (_name, tool, options) => {
  const { config, report } = translate(toolNamed(tool), options);

  it('has a line for every option, and none is refused', () => {
    expect(report.filter(({ isDefault }) => !isDefault).map(({ key }) => key)).toEqual(Object.keys(options));
    expect(report.filter(({ kind }) => kind === 'refused')).toEqual([]);
  });

  it('is a config that llmf takes', async () => {
    const input = { raw: config, source: wholeSource('there'), folder: process.cwd(), file: null };
    const { engine, named } = await composeEngine({ folder: process.cwd(), input });
    try {
      await resolveConfig(engine, config, { source: input.source, named });
    } finally {
      await engine.close();
    }
  });
});

describe('translate', () => {
  it('refuses what it does not know and what cannot be had here', () => {
    const { report } = translate(
      toolNamed('llamafactory'),
      lf({ stage: 'sft', use_galore: true, made_up: 1, optim: 'lomo' }),
    );
    const lines = report.filter(({ kind }) => kind === 'refused');
    expect(lines.map(({ key }) => key)).toEqual(['use_galore', 'made_up', 'optim']);
  });

  it('takes over the defaults that decide and differ', () => {
    const { config } = translate(toolNamed('llamafactory'), lf({ stage: 'sft' }));
    expect(config['train']).toMatchObject({
      batchSize: 8,
      learningRate: 5e-5,
      epochs: 3,
      schedule: 'linear',
      warmupRatio: 0,
    });
    expect(config['backend']).toEqual({ precision: 'f32' });
    expect(config['data']).toMatchObject({ maxLength: 2048, truncation: 'proportional' });
  });

  it('counts the likelihood of ORPO as each tool does', () => {
    const theirs = translate(toolNamed('llamafactory'), lf({ stage: 'dpo', pref_loss: 'orpo' })).config['loss'];
    expect(theirs).toEqual({ name: 'orpo', beta: 0.1, likelihood: { span: 'response', reduction: 'answer' } });
    expect(translate(toolNamed('trl'), flags(`--trainer orpo ${trlBase}`)).config['loss']).toEqual({
      name: 'orpo',
      beta: 0.1,
    });
  });

  it('TRL’s centring of rewards is not lost', () => {
    const words = flags(`--trainer reward ${trlBase} --center_rewards_coefficient 0.01`);
    expect(translate(toolNamed('trl'), words).config['loss']).toEqual({ name: 'reward', centerCoefficient: 0.01 });
  });

  it('trains every weight where TRL does', () => {
    expect(translate(toolNamed('trl'), flags(`--trainer sft ${trlBase}`)).config['adapter']).toBe('none');
  });
});

describe('optionsOfFlags', () => {
  it('reads values, truth values, lists and flags alone', () => {
    expect(flags('--a 1e-5 --b True --c --d x y --e=z --f-g None --h [1,2]')).toEqual({
      a: 1e-5,
      b: true,
      c: true,
      d: ['x', 'y'],
      e: 'z',
      f_g: null,
      h: [1, 2],
    });
  });

  it('says which word is no flag', () => {
    expect(() => optionsOfFlags(['x', '--a'])).toThrow(/LLMF_CLI_FLAG_UNREADABLE[^]*word 1/);
  });
});

it('names the same tools in the help as there are', () => {
  expect(tools.map(({ name }) => name)).toEqual([...toolNames]);
});
