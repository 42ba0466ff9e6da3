// SPDX-License-Identifier: Apache-2.0
/** trlX's own configs (trlx/data/default_configs.py and examples, 3340c2f): each option told, or refused with a reason. */
import { describe, expect, it } from 'vitest';
import { checked, refusals, translated } from './support/shapes.js';
import type { Options } from './translation.js';

const scheduler = (least: number, half = 1e12) => ({
  name: 'cosine_annealing',
  kwargs: { T_max: half, eta_min: least },
});
const optimizer = (lr: number) => ({
  name: 'adamw',
  kwargs: { lr, betas: [0.9, 0.95], eps: 1e-8, weight_decay: 1e-6 },
});
const tokenizer = { tokenizer_path: 'gpt2', truncation_side: 'right' };

/** default_ppo_config(): examples/ppo_sentiments.py. */
const ppoSentiments = {
  train: {
    seq_length: 1024,
    epochs: 100,
    total_steps: 10000,
    batch_size: 32,
    checkpoint_interval: 10000,
    eval_interval: 100,
    pipeline: 'PromptPipeline',
    trainer: 'AcceleratePPOTrainer',
  },
  model: { model_path: 'lvwerra/gpt2-imdb', num_layers_unfrozen: 2 },
  tokenizer,
  optimizer: optimizer(3e-5),
  scheduler: scheduler(3e-5),
  method: {
    name: 'PPOConfig',
    num_rollouts: 128,
    chunk_size: 128,
    ppo_epochs: 4,
    init_kl_coef: 0.001,
    target: null,
    horizon: 10000,
    gamma: 1,
    lam: 0.95,
    cliprange: 0.2,
    cliprange_value: 0.2,
    vf_coef: 1,
    scale_reward: 'ignored',
    ref_mean: null,
    ref_std: null,
    cliprange_reward: 10,
    gen_kwargs: { max_new_tokens: 40, top_k: 0, top_p: 1, do_sample: true },
  },
};

/** default_ilql_config(): examples/ilql_sentiments.py. */
const ilqlSentiments = {
  train: {
    ...ppoSentiments.train,
    seq_length: 64,
    batch_size: 128,
    total_steps: 1000,
    checkpoint_interval: 1000,
    trainer: 'AccelerateILQLTrainer',
  },
  model: { model_path: 'gpt2', num_layers_unfrozen: -1 },
  tokenizer,
  optimizer: optimizer(5e-5),
  scheduler: scheduler(5e-5),
  method: {
    name: 'ilqlconfig',
    tau: 0.7,
    gamma: 0.99,
    cql_scale: 0.1,
    awac_scale: 1,
    alpha: 0.001,
    beta: 0,
    steps_for_target_q_sync: 5,
    two_qs: true,
    gen_kwargs: { max_new_tokens: 56, top_k: 20, beta: 1, temperature: 1 },
  },
};

/** default_sft_config(): examples/sft_sentiments.py. */
const sftSentiments = {
  ...ilqlSentiments,
  train: { ...ilqlSentiments.train, seq_length: 1024, batch_size: 8, trainer: 'AccelerateSFTTrainer' },
  optimizer: optimizer(1e-4),
  scheduler: scheduler(1e-4),
  method: { name: 'sftconfig', gen_kwargs: { max_new_tokens: 40, top_k: 0, top_p: 1, do_sample: true } },
};

const hhPpo = {
  ...ppoSentiments,
  train: { ...ppoSentiments.train, batch_size: 4, eval_interval: 500, checkpoint_dir: 'checkpoints/ppo_hh' },
  model: { model_path: 'EleutherAI/gpt-j-6B', num_layers_unfrozen: 2 },
  tokenizer: { tokenizer_path: 'EleutherAI/gpt-j-6B', truncation_side: 'left' },
  scheduler: scheduler(3e-5, 10000),
  method: {
    ...ppoSentiments.method,
    num_rollouts: 64,
    chunk_size: 16,
    init_kl_coef: 0.05,
    target: 6,
    scale_reward: 'running',
    gen_kwargs: { max_new_tokens: 128, top_k: 0, top_p: 1, do_sample: true },
  },
};
const withPeft = (peft: Options) => ({
  ...ppoSentiments,
  model: { ...ppoSentiments.model, peft_config: peft },
});

const shapes: readonly [name: string, options: Options][] = [
  ['ppo_sentiments', ppoSentiments],
  ['ilql_sentiments', ilqlSentiments],
  ['sft_sentiments', sftSentiments],
  ['ppo_hh on GPT-J', hhPpo],
  [
    'ppo_sentiments_peft',
    withPeft({ peft_type: 'LORA', r: 8, lora_alpha: 32, lora_dropout: 0.1, task_type: 'CAUSAL_LM' }),
  ],
  [
    'ppo_sentiments_t5',
    { ...ppoSentiments, model: { model_path: 'lvwerra/t5-imdb', model_arch_type: 'seq2seq', num_layers_unfrozen: -1 } },
  ],
  ['prefix tuning', withPeft({ peft_type: 'PREFIX_TUNING', num_virtual_tokens: 10 })],
  ['8-bit Adam', { ...sftSentiments, optimizer: { ...optimizer(1e-4), name: 'adamw_8bit_bnb' } }],
  [
    'a schedule that falls, in microbatches',
    {
      ...sftSentiments,
      train: { ...sftSentiments.train, minibatch_size: 2, tracker: null },
      scheduler: scheduler(1e-5, 1000),
    },
  ],
  ['dotted names, as a sweep gives them', { ...ppoSentiments, 'method.init_kl_coef': 0.01, 'train.seed': 7 }],
];

describe.each(shapes)('%s', (_name, options) => {
  it('has a line for every option, none refused, and is a config that llmf takes', async () => {
    const { config, keys } = translated('trlx', options);
    expect(refusals('trlx', options)).toEqual([]);
    expect(keys.length).toBeGreaterThan(20);
    await checked(config, { data: { train: [{ path: 'rows.jsonl' }] }, ...(needsReward(config) ? rewards : {}) });
  });
});

const rewards = { rewards: [{ name: 'function', path: 'reward.mjs' }] };
const needsReward = ({ plugins }: Options): boolean => (plugins as string[] | undefined)?.includes('algo-ppo') === true;

describe('a round of PPO', () => {
  it('has trlX’s numbers: 128 answers, 4 × 4 updates of 32, 10,000 updates or 100 rounds', () => {
    const { config } = translated('trlx', ppoSentiments);
    expect(config['stage']).toMatchObject({ name: 'ppo', preset: 'trlx', epochs: 4, miniBatches: 4, maxNewTokens: 40 });
    // 10,000 updates are 625 rounds of 16; trlX ends at the 100th round (epochs)
    expect(config['train']).toMatchObject({
      batchSize: 32,
      gradientAccumulation: 4,
      maxSteps: 100,
      evalEvery: 7,
      saveEvery: 625,
      schedule: 'constant',
      maxGradNorm: null,
      seed: 1000,
    });
    expect(config['data']).toMatchObject({ maxLength: 1024 - 40, tokenizer: 'gpt2' });
    expect(config['adapter']).toEqual({ name: 'freeze', trainableLayers: 2 });
  });

  it('follows the target of the KL where there is one', () => {
    const { config } = translated('trlx', hhPpo);
    expect(config['stage']).toMatchObject({ klController: 'adaptive', klTarget: 6, scoreScaling: 'running' });
  });
});

it('goes to Weights & Biases as trlX does', () => {
  const train = { ...ppoSentiments.train, tracker: 'wandb', project_name: 'reviews', group_name: 'sweep' };
  const { config } = translated('trlx', { ...ppoSentiments, train });
  expect(config['plugins']).toEqual(['algo-ppo', 'tracker-wandb']);
  expect(config['wandb']).toEqual({ project: 'reviews', group: 'sweep' });
});

describe('what cannot be had here', () => {
  const { method, train, model } = ppoSentiments;
  it.each<[string, Options, string[]]>([
    ['NeMo', { ...ppoSentiments, train: { ...train, trainer: 'NeMoPPOTrainer' } }, ['train.trainer', 'method.name']],
    ['RFT', { ...ppoSentiments, method: { name: 'RFTConfig' } }, ['train.trainer', 'method.name']],
    [
      'a length with the prompt',
      { ...ppoSentiments, method: { ...method, gen_kwargs: { max_length: 48, min_length: 48 } } },
      ['method.gen_kwargs.max_length', 'method.gen_kwargs.min_length'],
    ],
    [
      'half of a wave',
      { ...ppoSentiments, scheduler: scheduler(0, 80000) },
      ['scheduler.name', 'scheduler.kwargs.T_max', 'scheduler.kwargs.eta_min'],
    ],
    ['a misspelt key', { ...ppoSentiments, method: { ...method, int_kl_coef: 0.1 } }, ['method.int_kl_coef']],
    ['no method', { model }, ['method.name']],
  ])('%s', (_name, options, keys) => {
    expect(refusals('trlx', options).toSorted()).toEqual(keys.toSorted());
  });
});
