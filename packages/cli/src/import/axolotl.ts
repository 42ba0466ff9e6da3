// SPDX-License-Identifier: Apache-2.0
/** Axolotl 0.18: its YAML for supervised tuning, DPO, IPO, ORPO, SimPO, KTO and reward models (utils/schemas, core/builders). */
import { sourceOf } from './axolotl-data.js';
import {
  isOff,
  listOf,
  notHere,
  quantizationOf,
  same,
  templateOf,
  trackersOf,
  trainingArguments,
  withoutEffect,
} from './rules.js';
import { refused, taken, unused, type Draft, type Options, type Rule, type Tool, type Verdict } from './translation.js';

/** What it does where nothing is said. */
const defaults = (given: Options): Options => ({
  micro_batch_size: 1,
  gradient_accumulation_steps: 1,
  num_epochs: 1,
  lr_scheduler: 'cosine',
  ...('warmup_steps' in given || 'warmup_ratio' in given ? {} : { warmup_ratio: 0.03 }),
  optimizer: 'adamw_torch_fused',
  sequence_len: 512,
  adapter: 'none',
  bf16: false,
  ...('datasets' in given ? { stage: 'sft' } : {}),
});

const own: readonly Rule[] = [
  same('base_model', 'model.path'),
  {
    keys: [
      'stage',
      'rl',
      'rl_beta',
      'orpo_alpha',
      'simpo_gamma',
      'cpo_alpha',
      'kto_desirable_weight',
      'kto_undesirable_weight',
      'dpo_label_smoothing',
      'dpo_use_weighting',
      'dpo_loss_type',
      'reward_model',
      'num_labels',
      'center_rewards_coefficient',
    ],
    apply: stageOf,
  },
  { keys: ['precompute_ref_log_probs'], apply: (_given, draft) => place(draft, 'reference', 'cached') },
  { keys: ['datasets'], apply: (given, draft) => dataOf(given['datasets'], 'data.train', draft) },
  { keys: ['test_datasets'], apply: (given, draft) => dataOf(given['test_datasets'], 'data.eval', draft) },
  {
    keys: ['pretraining_dataset'],
    apply: (given, draft) => {
      draft.set('stage', 'pretrain');
      const entries = [given['pretraining_dataset']].flat();
      return dataOf(
        entries.map((each) => (typeof each === 'string' ? { path: each } : each)),
        'data.train',
        draft,
      );
    },
  },
  {
    keys: ['val_set_size'],
    apply: (given, draft) => {
      const size = Number(given['val_set_size']);
      return size > 0 ? place(draft, 'data.eval', { split: size }) : unused('no held-out rows');
    },
  },
  {
    keys: ['chat_template', 'chat_template_jinja'],
    apply: (given, draft) => {
      const name = String(given['chat_template'] ?? 'jinja');
      const text = given['chat_template_jinja'];
      if (text === undefined) return templateOf(name.replace(/^tokenizer_default.*/, 'auto'), draft);
      if (!String(text).endsWith('.jinja')) return refused('save the template as a .jinja file and name that');
      return place(draft, 'data.template', text);
    },
  },
  same('default_system_message', 'data.systemPrompt'),
  same('train_on_inputs', 'data.trainOnPrompt'),
  {
    keys: ['sequence_len', 'excess_length_strategy'],
    apply: (given, draft) => {
      if (given['excess_length_strategy'] === 'raise') return refused('longer rows are cut and reported, not an error');
      draft.set('data.maxLength', given['sequence_len']);
      const isCut = given['excess_length_strategy'] === 'truncate';
      return taken(`data.maxLength: longer rows are cut${isCut ? '' : ', where they are dropped there'}`);
    },
  },
  {
    keys: [
      'adapter',
      'lora_r',
      'lora_alpha',
      'lora_dropout',
      'lora_target_modules',
      'lora_target_linear',
      'lora_model_dir',
      'peft_use_rslora',
      'peft_use_dora',
      'lora_modules_to_save',
      'lora_rank_pattern',
      'lora_alpha_pattern',
      'peft_layers_to_transform',
    ],
    apply: adapterOf,
  },
  {
    keys: ['loraplus_lr_ratio'],
    apply: (given, draft) => place(draft, 'train.groups', [{ match: 'lora_B', rate: given['loraplus_lr_ratio'] }]),
  },
  {
    keys: ['load_in_4bit', 'load_in_8bit'],
    apply: (given, draft) =>
      quantizationOf(given['load_in_4bit'] === true ? 4 : given['load_in_8bit'] === true ? 8 : 0, 'nf4', true, draft),
  },
  same('micro_batch_size', 'train.batchSize'),
  same('num_epochs', 'train.epochs'),
  { keys: ['optimizer', 'optim_args'], apply: withNames({ optimizer: 'optim' }, 'optim') },
  {
    keys: ['lr_scheduler', 'cosine_min_lr_ratio'],
    apply: (given, draft) => {
      const least = given['cosine_min_lr_ratio'];
      const kwargs = least === undefined ? {} : { lr_scheduler_kwargs: { min_lr_rate: least } };
      const name = least === undefined ? given['lr_scheduler'] : 'cosine_with_min_lr';
      return argument('lr_scheduler_type').apply({ ...kwargs, lr_scheduler_type: name }, draft);
    },
  },
  {
    keys: ['learning_rate'],
    apply: (given, draft) => place(draft, 'train.learningRate', Number(given['learning_rate'])),
  },
  {
    keys: ['bf16', 'fp16', 'tf32', 'float16', 'bfloat16', 'float32'],
    apply: (given, draft) => {
      const isHalf = ['bf16', 'fp16', 'float16', 'bfloat16'].some((key) => !isOff(given[key] ?? null));
      return argument('bf16').apply({ bf16: isHalf }, draft);
    },
  },
  {
    keys: ['gradient_checkpointing'],
    apply: (given, draft) => place(draft, 'train.gradientCheckpointing', !isOff(given['gradient_checkpointing'])),
  },
  {
    keys: ['early_stopping_patience'],
    apply: (given, draft) => place(draft, 'train.earlyStopping', { patience: given['early_stopping_patience'] }),
  },
  {
    keys: ['evals_per_epoch'],
    apply: (given) =>
      isOff(given['evals_per_epoch'])
        ? unused('off')
        : unused('evaluations come by steps here, and at the end: train.evalEvery'),
  },
  ...withoutEffect(['saves_per_epoch'], 'checkpoints come by steps here, and at the end: train.saveEvery'),
  {
    keys: ['use_wandb', 'wandb_project', 'wandb_entity', 'wandb_name', 'wandb_run_id', 'wandb_mode', 'wandb_run_group'],
    apply: (given, draft) => {
      if (isOff(given['wandb_project'] ?? null) && isOff(given['use_wandb'] ?? null))
        return unused('no project is named');
      return trackersOf({ ...given, report_to: 'wandb', run_name: given['wandb_name'] }, draft);
    },
  },
  ...notHere(['wandb_watch', 'wandb_log_model'], 'metrics and config go there, not gradients or files'),
  {
    keys: ['use_mlflow', 'mlflow_tracking_uri', 'mlflow_experiment_name', 'mlflow_run_name', 'hf_mlflow_log_artifacts'],
    apply: (given, draft) => {
      const places: Options = {
        mlflow_tracking_uri: 'mlflow.uri',
        mlflow_experiment_name: 'mlflow.experiment',
        mlflow_run_name: 'mlflow.runName',
      };
      for (const [key, path] of Object.entries(places)) if (key in given) draft.set(String(path), given[key]);
      return trackersOf({ report_to: 'mlflow' }, draft);
    },
  },
  {
    keys: ['use_tensorboard'],
    apply: (given, draft) =>
      isOff(given['use_tensorboard']) ? unused('off') : trackersOf({ report_to: 'tensorboard' }, draft),
  },
  { keys: ['plugins'], apply: pluginsOf },
  ...withoutEffect(
    [
      'model_type',
      'cls_model_config',
      'tokenizer_type',
      'tokenizer_config',
      'base_model_config',
      'processor_type',
      'tokenizer_use_fast',
      'tokenizer_legacy',
      'gptq',
      'gptq_disable_exllama',
    ],
    'read from the model’s folder',
  ),
  ...withoutEffect(
    [
      'is_llama_derived_model',
      'is_mistral_derived_model',
      'is_qwen_derived_model',
      'is_falcon_derived_model',
      'strict',
    ],
    'read from config.json',
  ),
  ...withoutEffect(
    ['special_tokens', 'eot_tokens'],
    'ends of turns are those of the template, the rest the tokenizer’s',
  ),
  ...notHere(
    ['tokens', 'added_tokens_overrides'],
    'tokens are added first: llmf add-tokens, whose folder is base_model then',
  ),
  ...withoutEffect(['resize_token_embeddings_to_32x'], 'the embeddings stay as they are'),
  ...withoutEffect(
    [
      'dataset_prepared_path',
      'dataset_processes',
      'dataset_num_proc',
      'dataset_keep_in_memory',
      'skip_prepare_dataset',
    ],
    'tokenized data is found again by its content',
  ),
  ...withoutEffect(
    [
      'shuffle_merged_datasets',
      'shuffle_before_merging_datasets',
      'streaming',
      'dataset_shard_num',
      'dataset_shard_idx',
    ],
    'rows are drawn in random order from an index',
  ),
  ...withoutEffect(
    [
      'sample_packing',
      'eval_sample_packing',
      'pad_to_sequence_len',
      'pad_to_multiple_of',
      'sample_packing_sequentially',
      'sample_packing_group_size',
      'sample_packing_bin_size',
      'multipack_real_batches',
      'batch_flattening',
      'dpo_padding_free',
      'curriculum_sampling',
    ],
    'rows are packed without padding and see only themselves',
  ),
  ...withoutEffect(
    [
      'flash_attention',
      'xformers_attention',
      'sdp_attention',
      'flex_attention',
      'eager_attention',
      'sage_attention',
      'flash_attn_cross_entropy',
      'flash_attn_fuse_mlp',
      'flash_attn_fuse_qkv',
      'flash_attn_rms_norm',
      'attention',
      'lora_mlp_kernel',
      'lora_qkv_kernel',
      'lora_o_kernel',
      'lora_embedding_kernel',
      'chunked_cross_entropy',
      'liger_rope',
      'liger_rms_norm',
      'liger_glu_activation',
      'liger_layer_norm',
      'liger_fused_linear_cross_entropy',
      'cut_cross_entropy',
      'dpo_use_liger_kernel',
      'activation_offloading',
      'gc_steps',
      'lora_on_cpu',
      'tiled_mlp',
    ],
    'the backend computes with kernels of its own',
  ),
  ...withoutEffect(['eval_batch_size'], 'evaluation takes train.batchSize; what it gives does not depend on it'),
  ...withoutEffect(
    ['loss_watchdog_threshold', 'loss_watchdog_patience'],
    'train.earlyStopping; a loss that is not finite ends the run',
  ),
  ...withoutEffect(
    ['save_first_step', 'include_tokens_per_second', 'debug', 'ddp', 'fsdp_version'],
    'nothing to set here',
  ),
  ...withoutEffect(['auto_resume_from_checkpoints'], 'add --resume'),
  ...withoutEffect(['hf_use_auth_token'], 'HF_TOKEN is used where the hub asks for one'),
  ...notHere(
    [
      'lora_target_parameters',
      'lora_fan_in_fan_out',
      'peft_init_lora_weights',
      'peft_layer_replication',
      'unfrozen_parameters',
      'relora',
      'use_eaft',
      'eaft_alpha',
      'eaft_k',
      'lr_quadratic_warmup',
      'use_pose',
      'process_reward_model',
      'qat',
      'fp8',
      'trl',
      'lr_groups',
      'embedding_lr',
      'dpo_loss_weights',
      'dataset_exact_deduplication',
      'hub_strategy',
      'context_parallel_size',
      'tensor_parallel_size',
    ],
    'not here',
  ),
];

/** Transformers' options, but for those that are read otherwise. */
const others = trainingArguments.filter(({ keys }) => !own.some((rule) => rule.keys.some((key) => keys.includes(key))));

const place = (draft: Draft, path: string, value: unknown): Verdict => {
  draft.set(path, value);
  return taken(path);
};

/** The rule of Transformers' option of that name. */
const argument = (key: string): Rule => trainingArguments.find(({ keys }) => keys.includes(key))!;

/** Transformers' rule, with options under Axolotl's names. */
function withNames(names: Options, key: string): Rule['apply'] {
  return (given, draft) => {
    const renamed = Object.fromEntries(Object.entries(names).map(([theirs, its]) => [String(its), given[theirs]]));
    return argument(key).apply({ ...given, ...renamed }, draft);
  };
}

function stageOf(given: Options, draft: Draft): Verdict {
  if (given['reward_model'] === true) {
    const centerCoefficient = given['center_rewards_coefficient'] ?? 0;
    draft.plugin('algo-reward').set('stage', 'reward').set('loss', { name: 'reward', centerCoefficient });
    return taken('stage: reward, loss: reward');
  }
  const method = given['rl'];
  if (method === undefined) return place(draft, 'stage', given['stage']);
  const loss = lossOf(String(method), given);
  if (loss === null)
    return refused(`no rl: ${String(method)} of its configs here; docs/online.md has GRPO and its kin`);
  draft.plugin(`loss-${String(loss['name'])}`).set('stage', loss['name'] === 'kto' ? 'unpaired' : 'preference');
  draft.set('loss', loss);
  return taken('stage, loss');
}

/** By TRL's trainers, which it calls (core/builders/rl.py). */
function lossOf(method: string, given: Options): Options | null {
  const beta = given['rl_beta'] ?? given['orpo_alpha'] ?? 0.1;
  if (method === 'orpo') return { name: 'orpo', beta };
  if (method === 'simpo')
    return { name: 'simpo', beta, gamma: given['simpo_gamma'] ?? 0.5, cpoAlpha: given['cpo_alpha'] ?? 1 };
  if (method === 'kto') {
    const weights = {
      desirableWeight: given['kto_desirable_weight'] ?? 1,
      undesirableWeight: given['kto_undesirable_weight'] ?? 1,
    };
    return { name: 'kto', beta, ...weights };
  }
  const [variant = 'sigmoid', second] = [given['dpo_loss_type'] ?? []].flat() as string[];
  if (!['dpo', 'ipo'].includes(method) || second !== undefined) return null;
  const more = { labelSmoothing: given['dpo_label_smoothing'], wpo: given['dpo_use_weighting'] };
  const stated = Object.fromEntries(Object.entries(more).filter(([, value]) => !isOff(value ?? null)));
  return { name: 'dpo', variant: method === 'ipo' ? 'ipo' : variant, beta, ...stated };
}

function dataOf(listed: unknown, path: string, draft: Draft): Verdict {
  const sources = ([listed].flat() as Options[]).map((entry) => sourceOf(entry));
  const problem = sources.find((each) => 'reason' in each);
  if (problem !== undefined) return refused((problem as { reason: string }).reason);
  draft.set(
    path,
    sources.map((each) => (each as { source: Options }).source),
  );
  return taken(`${path}: files or folders (data sets of the hub are not fetched)`);
}

function adapterOf(given: Options, draft: Draft): Verdict {
  const kind = given['adapter'];
  if (isOff(kind ?? null)) {
    draft.set('adapter', 'none');
    return taken('adapter: none (every weight, as there without an adapter)');
  }
  if (kind !== 'lora' && kind !== 'qlora') return refused(`no adapter ${String(kind)} here; lora, qlora`);
  const dropout = given['lora_dropout'] ?? 0;
  const path = given['lora_model_dir'];
  if (path !== undefined) return place(draft, 'adapter', { name: 'lora', path, dropout });
  const targets = given['lora_target_modules'];
  const isAll = given['lora_target_linear'] === true || targets === undefined || targets === 'all-linear';
  draft.set('adapter', {
    name: given['peft_use_dora'] === true ? 'dora' : 'lora',
    rank: given['lora_r'] ?? 8,
    ...(given['lora_alpha'] === undefined ? {} : { alpha: given['lora_alpha'] }),
    dropout,
    targets: isAll ? 'all' : listOf(targets),
    ...(given['peft_use_rslora'] === true ? { rsLora: true } : {}),
    ...optional(given, {
      lora_modules_to_save: 'modulesToSave',
      lora_rank_pattern: 'rankPattern',
      lora_alpha_pattern: 'alphaPattern',
      peft_layers_to_transform: 'layers',
    }),
  });
  return taken('adapter');
}

/** Options that are given, under the names that they have here. */
const optional = (given: Options, names: Readonly<Record<string, string>>): Options =>
  Object.fromEntries(
    Object.entries(names).flatMap(([theirs, ours]) =>
      given[theirs] === undefined || given[theirs] === null ? [] : [[ours, given[theirs]]],
    ),
  );

function pluginsOf(given: Options): Verdict {
  const other = listOf(given['plugins']).find((name) => !/liger|cut_cross_entropy/.test(name));
  return other === undefined ? unused('the backend computes with kernels of its own') : refused(`no ${other} here`);
}

export const axolotl: Tool = {
  name: 'axolotl',
  description: 'Axolotl: its YAML for supervised tuning, preferences and reward models',
  defaults,
  rules: [...own, ...others],
  nullsUnset: true,
};
