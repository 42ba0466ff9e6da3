// SPDX-License-Identifier: Apache-2.0
/** Rules that several tools share: they stand on the same libraries. */
import { namedTemplates } from '@llmf/data';
import { refused, taken, unused, type Draft, type Options, type Rule, type Verdict } from './translation.js';

/** The value as it is, at a path. */
export const same = (key: string, path: string): Rule => ({
  keys: [key],
  apply: (given, draft) => {
    if (given[key] === null) return unused('null: nothing is asked for');
    draft.set(path, given[key]);
    return taken(path);
  },
});

export const withoutEffect = (keys: readonly string[], reason: string): Rule[] =>
  keys.map((key) => ({ keys: [key], apply: () => unused(reason) }));

/** What cannot be had here; asking for none of it is fine. */
export const notHere = (keys: readonly string[], reason: string): Rule[] =>
  keys.map((key) => ({
    keys: [key],
    apply: (given) => (isOff(given[key]) ? unused('off') : refused(reason)),
  }));

export const isOff = (value: unknown): boolean =>
  value === null ||
  value === false ||
  value === 0 ||
  ['', 'no', 'none'].includes(value as string) ||
  (typeof value === 'object' && Object.keys(value).length === 0);

export const listOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value.map(String) : String(value).split(',')).map((each) => each.trim()).filter(Boolean);

/** Transformers' TrainingArguments, as far as all of these tools read them. */
export const trainingArguments: readonly Rule[] = [
  {
    keys: ['output_dir'],
    apply: (given, draft) => {
      draft.set('output', given['output_dir']);
      return taken('output');
    },
  },
  {
    keys: ['per_device_train_batch_size', 'train_batch_size'],
    apply: (given, draft) => {
      draft.set('train.batchSize', given['per_device_train_batch_size'] ?? given['train_batch_size']);
      return taken('train.batchSize');
    },
  },
  same('gradient_accumulation_steps', 'train.gradientAccumulation'),
  same('learning_rate', 'train.learningRate'),
  same('num_train_epochs', 'train.epochs'),
  {
    keys: ['max_steps'],
    apply: (given, draft) => {
      if (Number(given['max_steps']) <= 0) return unused('no limit of steps');
      draft.set('train.maxSteps', given['max_steps']);
      return taken('train.maxSteps');
    },
  },
  { keys: ['lr_scheduler_type', 'lr_scheduler_kwargs'], apply: scheduleOf },
  {
    keys: ['warmup_steps', 'warmup_ratio'],
    apply: (given, draft) => {
      const steps = Number(given['warmup_steps'] ?? 0);
      if (steps >= 1) {
        draft.set('train.warmupSteps', steps);
        return taken('train.warmupSteps');
      }
      draft.set('train.warmupRatio', given['warmup_ratio'] ?? steps); // Transformers 5: steps below 1 are a share
      return taken('train.warmupRatio');
    },
  },
  same('weight_decay', 'train.weightDecay'),
  {
    keys: ['max_grad_norm'],
    apply: (given, draft) => {
      const norm = Number(given['max_grad_norm']);
      draft.set('train.maxGradNorm', norm > 0 ? norm : null);
      return taken('train.maxGradNorm');
    },
  },
  { keys: ['optim', 'adam_beta1', 'adam_beta2', 'adam_epsilon'], apply: optimizerOf },
  same('seed', 'train.seed'),
  same('logging_steps', 'train.logEvery'),
  {
    keys: ['save_strategy', 'save_steps'],
    apply: (given, draft) => {
      const strategy = given['save_strategy'] ?? 'steps';
      if (strategy === 'epoch') return unused('checkpoints come by steps here: train.saveEvery');
      draft.set('train.saveEvery', strategy === 'no' ? null : (given['save_steps'] ?? 500));
      return taken('train.saveEvery');
    },
  },
  {
    keys: ['save_total_limit'],
    apply: (given, draft) => {
      if (given['save_total_limit'] === null) return unused('all kept there; here train.keepCheckpoints');
      draft.set('train.keepCheckpoints', given['save_total_limit']);
      return taken('train.keepCheckpoints');
    },
  },
  {
    keys: ['eval_strategy', 'evaluation_strategy', 'eval_steps'],
    apply: (given, draft) => {
      const strategy =
        given['eval_strategy'] ?? given['evaluation_strategy'] ?? ('eval_steps' in given ? 'steps' : 'no');
      if (strategy === 'epoch') return unused('evaluations come by steps here, and at the end: train.evalEvery');
      draft.set('train.evalEvery', strategy === 'no' ? null : (given['eval_steps'] ?? given['logging_steps'] ?? 500));
      return taken('train.evalEvery; and once at the end where there are held-out rows');
    },
  },
  same('eval_on_start', 'train.evalOnStart'),
  {
    keys: [
      'bf16',
      'fp16',
      'pure_bf16',
      'torch_dtype',
      'dtype',
      'model_dtype',
      'tf32',
      'bf16_full_eval',
      'fp16_full_eval',
    ],
    apply: (given, draft) => {
      const dtype = String(given['torch_dtype'] ?? given['dtype'] ?? given['model_dtype'] ?? '');
      const isHalf = ['bf16', 'fp16', 'pure_bf16'].some((key) => given[key] === true) || /16/.test(dtype);
      draft.set('backend.precision', isHalf ? 'auto' : 'f32');
      return taken(
        isHalf
          ? 'backend.precision: auto (bf16 where the processor has it; there is no fp16)'
          : 'backend.precision: f32',
      );
    },
  },
  {
    keys: ['gradient_checkpointing'],
    apply: (given, draft) => {
      draft.set('train.gradientCheckpointing', given['gradient_checkpointing'] === true);
      return taken('train.gradientCheckpointing');
    },
  },
  { keys: ['report_to', 'run_name'], apply: trackersOf },
  ...withoutEffect(['do_train', 'do_predict'], 'the command says what is done'),
  ...withoutEffect(['do_eval'], 'evaluation follows from data.eval'),
  ...withoutEffect(
    ['per_device_eval_batch_size'],
    'evaluation takes train.batchSize; what it gives does not depend on it',
  ),
  ...withoutEffect(['overwrite_output_dir'], 'a folder that holds a run is never written over'),
  ...withoutEffect(['remove_unused_columns'], 'columns that nothing reads are left alone'),
  ...withoutEffect(
    ['dataloader_num_workers', 'dataloader_pin_memory', 'dataloader_persistent_workers', 'group_by_length'],
    'rows are packed without padding and read from an index; nothing to set',
  ),
  ...withoutEffect(
    ['ddp_timeout', 'ddp_find_unused_parameters', 'ddp_backend', 'local_rank', 'deepspeed', 'fsdp', 'fsdp_config'],
    'one process',
  ),
  ...withoutEffect(
    [
      'device_map',
      'use_cpu',
      'no_cuda',
      'flash_attn',
      'attn_implementation',
      'use_flash_attention_2',
      'torch_compile',
      'enable_liger_kernel',
      'use_unsloth',
      'use_liger_kernel',
      'torch_empty_cache_steps',
    ],
    'the backend computes with kernels of its own',
  ),
  ...withoutEffect(['trust_remote_code'], 'no code of a model’s folder is run'),
  ...withoutEffect(
    [
      'save_only_model',
      'save_safetensors',
      'logging_first_step',
      'disable_tqdm',
      'logging_dir',
      'log_level',
      'logging_strategy',
      'gradient_checkpointing_kwargs',
      'include_num_input_tokens_seen',
    ],
    'nothing to set here',
  ),
  ...withoutEffect(
    ['cache_dir', 'use_fast_tokenizer', 'low_cpu_mem_usage', 'model_revision', 'use_cache'],
    'models lie in the hub’s own cache; weights are mapped from it',
  ),
  ...notHere(['push_to_hub', 'hub_model_id'], 'uploading is not part of a run'),
  ...notHere(['resume_from_checkpoint'], 'leave it out and add --resume: the newest checkpoint of `output` is taken'),
  ...notHere(
    ['load_best_model_at_end', 'metric_for_best_model', 'greater_is_better'],
    'write train.keepBest: { metric: eval_loss } instead',
  ),
  ...notHere(['neftune_noise_alpha', 'label_smoothing_factor'], 'not here'),
];

const schedules: Readonly<Record<string, string>> = {
  linear: 'linear',
  cosine: 'cosine',
  constant: 'constant',
  constant_with_warmup: 'constant',
  polynomial: 'polynomial',
  inverse_sqrt: 'inverseSqrt',
  warmup_stable_decay: 'warmup_stable_decay',
  cosine_with_min_lr: 'cosineWithMinimum',
};

function scheduleOf(given: Options, draft: Draft): Verdict {
  const type = String(given['lr_scheduler_type'] ?? 'linear');
  const name = schedules[type];
  if (name === undefined) return refused(`no schedule ${type} here; known: ${Object.keys(schedules).join(', ')}`);
  const { min_lr_rate: share, ...others } = (given['lr_scheduler_kwargs'] ?? {}) as Options;
  const [other] = Object.keys(others);
  if (other !== undefined) return refused(`no ${other} of a schedule here`);
  draft.set('train.schedule', share === undefined ? name : { name, minimum: share });
  return taken('train.schedule');
}

const optimizers: Readonly<Record<string, string>> = {
  adamw_torch: 'adamw',
  adamw_torch_fused: 'adamw',
  adamw_hf: 'adamw',
  adamw: 'adamw',
  adafactor: 'adafactor',
  sgd: 'sgd',
  paged_adamw: 'adamw',
  paged_adamw_32bit: 'adamw',
  adamw_8bit: 'adamw8bit',
  adamw_bnb_8bit: 'adamw8bit',
  paged_adamw_8bit: 'adamw8bit',
  lion_32bit: 'lion',
  paged_lion_32bit: 'lion',
  lion_8bit: 'lion8bit',
  paged_lion_8bit: 'lion8bit',
};

export function optimizerOf(given: Options, draft: Draft): Verdict {
  const wanted = String(given['optim'] ?? 'adamw_torch');
  const name = optimizers[wanted];
  if (name === undefined) return refused(`no optimizer ${wanted} here; known: ${Object.keys(optimizers).join(', ')}`);
  const numbers = { beta1: given['adam_beta1'], beta2: given['adam_beta2'], epsilon: given['adam_epsilon'] };
  const stated = Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined));
  draft.set('train.optimizer', name.startsWith('adamw') && Object.keys(stated).length > 0 ? { name, ...stated } : name);
  return taken('train.optimizer');
}

const trackers: Readonly<Record<string, string>> = {
  tensorboard: 'tracker-tensorboard',
  mlflow: 'tracker-mlflow',
  wandb: 'tracker-wandb',
};

/** Options of Weights & Biases by the names that tools give them. */
const wandbPlaces: Readonly<Record<string, string>> = {
  wandb_project: 'wandb.project',
  wandb_entity: 'wandb.entity',
  wandb_run_group: 'wandb.group',
  run_name: 'wandb.runName',
};

export function trackersOf(given: Options, draft: Draft): Verdict {
  const named = listOf(given['report_to'] ?? 'none').filter((each) => each !== 'none');
  if (named.length === 0) return unused('metrics.jsonl and loss.svg are always written');
  const wanted = named.includes('all') ? ['tensorboard'] : named;
  const unknown = wanted.find((each) => trackers[each] === undefined);
  if (unknown !== undefined) return refused(`no tracker for ${unknown}; known: ${Object.keys(trackers).join(', ')}`);
  for (const each of wanted) draft.plugin(trackers[each]!);
  if (wanted.includes('wandb')) {
    for (const [key, path] of Object.entries(wandbPlaces)) {
      if (!isOff(given[key] ?? null)) draft.set(path, given[key]);
    }
    if (given['wandb_mode'] === 'offline') draft.set('wandb.mode', 'offline');
  }
  return taken(`plugins: ${wanted.map((each) => trackers[each]).join(', ')}`);
}

/** A chat template by name; one that is not known here is the tokenizer's own. */
export function templateOf(name: string, draft: Draft): Verdict {
  const known = namedTemplates.some((each) => each.name === name);
  draft.set('data.template', known ? name : 'auto');
  return taken(known ? 'data.template' : `data.template: auto (the model’s own; no template is named ${name} here)`);
}

/** bitsandbytes by number of bits. */
export function quantizationOf(bits: unknown, type: unknown, isDouble: unknown, draft: Draft): Verdict {
  if (isOff(bits)) return unused('off');
  if (Number(bits) === 8) {
    draft.set('quantization', 'int8');
    return taken('quantization: int8');
  }
  if (Number(bits) !== 4) return refused(`no quantization to ${String(bits)} bits here; 4 and 8`);
  const name = type === 'fp4' ? 'fp4' : 'nf4';
  draft.set('quantization', { name, ...(isDouble === false ? { doubleQuantization: false } : {}) });
  return taken(`quantization: ${name}`);
}
