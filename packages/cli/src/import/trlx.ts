// SPDX-License-Identifier: Apache-2.0
/**
 * trlX 0.7: a TRLConfig as YAML or as the JSON of `to_dict()`, nested or by dotted names (trlx/data/configs.py, the configs
 * of methods, accelerate_{base,ppo,ilql,sft}_trainer.py).
 */
import { isOff, listOf, notHere, optimizerOf, trackersOf, withoutEffect } from './rules.js';
import { refused, taken, unused, type Draft, type Options, type Rule, type Tool, type Verdict } from './translation.js';

/** What it does where nothing is said. */
const defaults = (): Options => ({
  'method.name': '',
  'model.num_layers_unfrozen': -1,
  'train.checkpoint_dir': 'ckpts',
  'train.seed': 1000,
  // Accelerate's; and no trainer of trlX clips gradients.
  mixed_precision: 'no',
  max_grad_norm: 0,
});

const methodOf = (given: Options): string =>
  String(given['method.name'] ?? '')
    .toLowerCase()
    .replace(/config$/, '');
const isPpo = (given: Options): boolean => methodOf(given) === 'ppo';
const number = (given: Options, key: string, otherwise: number): number => Number(given[key] ?? otherwise);

/** Answers of a round, rows of a microbatch, updates of a round: trlX counts updates, a step here is a round of answers. */
function roundOf(given: Options): { rollouts: number; batch: number; micro: number; updates: number } {
  const batch = number(given, 'train.batch_size', 32);
  const rollouts = number(given, 'method.num_rollouts', 128);
  const updates = number(given, 'method.ppo_epochs', 4) * Math.ceil(rollouts / batch);
  return { rollouts, batch, micro: number(given, 'train.minibatch_size', batch), updates };
}

/** Updates there as steps here. */
const stepsOf = (given: Options, count: unknown): number =>
  isPpo(given) ? Math.max(1, Math.ceil(Number(count) / roundOf(given).updates)) : Number(count);

const set = (draft: Draft, path: string, value: unknown): Verdict => {
  draft.set(path, value);
  return taken(path);
};
const only =
  (method: string, path: string) =>
  (key: string): Rule => ({
    keys: [key],
    apply: (given, draft) =>
      methodOf(given) === method ? set(draft, path, given[key]) : refused(`not of ${String(given['method.name'])}`),
  });
const ppo = (key: string, option: string) => only('ppo', `stage.${option}`)(`method.${key}`);
const ilql = (key: string, option: string) => only('ilql', `stage.${option}`)(`method.${key}`);

const rules: readonly Rule[] = [
  { keys: ['method.name', 'train.trainer'], apply: stageOf },
  { keys: ['model.model_path'], apply: (given, draft) => set(draft, 'model.path', given['model.model_path']) },
  {
    keys: ['model.num_layers_unfrozen'],
    apply: (given, draft) => {
      const free = Number(given['model.num_layers_unfrozen']);
      if ('model.peft_config.peft_type' in given) return unused('an adapter is trained');
      if (free === 0) return refused('heads alone are not trained here; −1, or a number of layers');
      if (free < 0) return set(draft, 'adapter', 'none');
      draft.set('adapter', { name: 'freeze', trainableLayers: free });
      return taken('adapter: freeze, the last layers; the final norm (and a head of its own), free there, stay');
    },
  },
  {
    keys: [
      'peft_type',
      'r',
      'lora_alpha',
      'lora_dropout',
      'target_modules',
      'num_virtual_tokens',
      'modules_to_save',
    ].map((key) => `model.peft_config.${key}`),
    apply: adapterOf,
  },
  ...withoutEffect(
    ['task_type', 'inference_mode', 'base_model_name_or_path'].map((key) => `model.peft_config.${key}`),
    'nothing to set here',
  ),
  ...notHere(
    ['bias', 'fan_in_fan_out'].map((key) => `model.peft_config.${key}`),
    'not here',
  ),
  ...withoutEffect(['model.model_arch_type'], 'read from config.json'),
  ...notHere(['model.model_extra_configs', 'tokenizer.tokenizer_extra_configs'], 'not here'),
  {
    keys: ['tokenizer.tokenizer_path'],
    apply: (given, draft) =>
      given['tokenizer.tokenizer_path'] === given['model.model_path']
        ? unused('the model’s own')
        : set(draft, 'data.tokenizer', given['tokenizer.tokenizer_path']),
  },
  ...withoutEffect(['tokenizer.padding_side'], 'there is no padding'),
  {
    keys: ['tokenizer.truncation_side'],
    apply: (given, draft) =>
      set(draft, 'data.truncation', given['tokenizer.truncation_side'] === 'left' ? 'keepEnd' : 'keepStart'),
  },
  {
    keys: ['optimizer.name', 'optimizer.kwargs.betas', 'optimizer.kwargs.eps', 'optimizer.kwargs.weight_decay'],
    apply: updateOf,
  },
  {
    keys: ['optimizer.kwargs.lr'],
    apply: (given, draft) => set(draft, 'train.learningRate', Number(given['optimizer.kwargs.lr'])),
  },
  { keys: ['scheduler.name', 'scheduler.kwargs.T_max', 'scheduler.kwargs.eta_min'], apply: scheduleOf },
  {
    keys: ['train.seq_length'],
    apply: (given, draft) => {
      const length = Number(given['train.seq_length']);
      if (!isPpo(given)) return set(draft, 'data.maxLength', length);
      const answer = number(given, 'method.gen_kwargs.max_new_tokens', 40);
      if (length - answer < 2) return refused(`no room for a prompt beside ${answer} new tokens`);
      draft.set('data.maxLength', length - answer);
      return taken(`data.maxLength: what ${answer} new tokens leave for a prompt, as there`);
    },
  },
  { keys: ['train.batch_size', 'train.minibatch_size', 'method.num_rollouts', 'method.ppo_epochs'], apply: batchOf },
  { keys: ['train.total_steps', 'train.epochs'], apply: lengthOf },
  {
    keys: ['train.checkpoint_interval'],
    apply: (given, draft) => set(draft, 'train.saveEvery', stepsOf(given, given['train.checkpoint_interval'])),
  },
  {
    keys: ['train.eval_interval'],
    apply: (given, draft) => set(draft, 'train.evalEvery', stepsOf(given, given['train.eval_interval'])),
  },
  { keys: ['train.checkpoint_dir'], apply: (given, draft) => set(draft, 'output', given['train.checkpoint_dir']) },
  { keys: ['train.seed'], apply: (given, draft) => set(draft, 'train.seed', given['train.seed']) },
  {
    keys: ['mixed_precision'],
    apply: (given, draft) => set(draft, 'backend.precision', given['mixed_precision'] === 'no' ? 'f32' : 'auto'),
  },
  {
    keys: ['max_grad_norm'],
    apply: (given, draft) => {
      const norm = Number(given['max_grad_norm']);
      return set(draft, 'train.maxGradNorm', norm > 0 ? norm : null);
    },
  },
  {
    keys: ['train.tracker', 'train.project_name', 'train.entity_name', 'train.group_name', 'train.run_name'],
    apply: trackerOf,
  },
  ...withoutEffect(['train.tags', 'train.logging_dir'], 'the run’s folder names it'),
  ...withoutEffect(['train.pipeline'], 'rows and stage decide it'),
  ...notHere(['train.trainer_kwargs'], 'not here'),
  ...withoutEffect(['train.rollout_logging_dir'], 'every answer is in completions.jsonl'),
  ...withoutEffect(['train.save_best'], 'the last weights are written; train.keepBest: { metric } keeps the best'),
  ...withoutEffect(['train.save_optimizer'], 'checkpoints hold it, what is written at the end does not'),
  ...notHere(['train.resume_from_checkpoint'], 'leave it out and add --resume'),
  ...withoutEffect(['method.chunk_size'], 'answers are written as many at a time as stage.maxSequences says'),
  ppo('init_kl_coef', 'klCoefficient'),
  {
    keys: ['method.target', 'method.horizon'],
    apply: (given, draft) => {
      if (isOff(given['method.target'] ?? null)) return unused('the weight of the KL is fixed');
      draft.set('stage.klController', 'adaptive').set('stage.klTarget', given['method.target']);
      draft.set('stage.klHorizon', given['method.horizon'] ?? 10_000);
      return taken('stage.klController: adaptive, klTarget, klHorizon');
    },
  },
  {
    keys: ['method.gamma'],
    apply: (given, draft) => set(draft, 'stage.gamma', given['method.gamma']),
  },
  ppo('lam', 'lambda'),
  ppo('cliprange', 'clipRange'),
  ppo('cliprange_value', 'valueClipRange'),
  ppo('vf_coef', 'valueCoefficient'),
  {
    keys: ['method.scale_reward'],
    apply: (given, draft) => {
      const how = { running: 'running', ref: 'first' }[String(given['method.scale_reward'])];
      return set(draft, 'stage.scoreScaling', how ?? 'none');
    },
  },
  ...notHere(['method.ref_mean', 'method.ref_std'], 'moments are those of the first answers, as there without them'),
  ppo('cliprange_reward', 'scoreClip'),
  ...notHere(['method.num_value_layers_unfrozen'], 'the value head reads the policy’s last layer'),
  ...notHere(['method.gen_experience_kwargs'], 'answers to learn from and to evaluate are drawn alike here'),
  ilql('tau', 'tau'),
  ilql('cql_scale', 'cqlScale'),
  ilql('awac_scale', 'awacScale'),
  ilql('alpha', 'alpha'),
  ilql('beta', 'beta'),
  ilql('steps_for_target_q_sync', 'syncEvery'),
  ilql('two_qs', 'twoQs'),
  ...['max_new_tokens', 'top_k', 'top_p', 'temperature', 'do_sample', 'eos_token_id'].map(drawing),
  ...withoutEffect(['method.gen_kwargs.pad_token_id'], 'there is no padding'),
  ...withoutEffect(['method.gen_kwargs.beta'], 'given where answers are written: llmf generate --guide'),
  {
    keys: ['method.gen_kwargs.max_length'],
    apply: () => refused('it counts the prompt too: write max_new_tokens'),
  },
  ...notHere(
    ['method.gen_kwargs.min_length', 'method.gen_kwargs.num_beams'],
    'an answer ends where the policy ends it',
  ),
];

function stageOf(given: Options, draft: Draft): Verdict {
  const method = methodOf(given);
  if (/nemo/i.test(String(given['train.trainer'] ?? ''))) return refused('NeMo’s trainers are not here; Accelerate…');
  if (method === 'ppo') {
    draft.plugin('algo-ppo').set('stage.name', 'ppo').set('stage.preset', 'trlx');
    return taken('stage: ppo with trlX’s defaults');
  }
  if (method === 'ilql') {
    draft.plugin('algo-ilql').set('stage.name', 'ilql');
    return taken('stage: ilql; data.train has rows with a reward');
  }
  if (method === 'sft') {
    draft.set('stage', 'sft');
    return taken('stage: sft, answers to prompts; stage=pretrain for texts alone, which it learns whole');
  }
  return refused(method === '' ? 'name the method: ppoconfig, ilqlconfig, sftconfig' : `no method ${method} here`);
}

function adapterOf(given: Options, draft: Draft): Verdict {
  const of = (key: string): unknown => given[`model.peft_config.${key}`];
  const kind = String(of('peft_type') ?? '').replace(/^PeftType\./, '');
  const tokens = of('num_virtual_tokens') === undefined ? {} : { tokens: of('num_virtual_tokens') };
  const prompts: Readonly<Record<string, string>> = {
    PREFIX_TUNING: 'prefix-tuning',
    PROMPT_TUNING: 'prompt-tuning',
    P_TUNING: 'p-tuning',
  };
  if (prompts[kind] !== undefined) return set(draft, 'adapter', { name: prompts[kind], ...tokens });
  if (kind !== 'LORA') return refused(`no adapter ${kind} here; LORA, ${Object.keys(prompts).join(', ')}`);
  const targets = of('target_modules');
  draft.set('adapter', {
    name: 'lora',
    rank: of('r') ?? 8,
    alpha: of('lora_alpha') ?? 8,
    dropout: of('lora_dropout') ?? 0,
    ...(of('modules_to_save') === undefined ? {} : { modulesToSave: listOf(of('modules_to_save')) }),
    ...(targets === undefined ? {} : { targets: targets === 'all-linear' ? 'all' : listOf(targets) }),
  });
  return taken(targets === undefined ? 'adapter: lora on all linear layers (there PEFT’s list)' : 'adapter: lora');
}

function updateOf(given: Options, draft: Draft): Verdict {
  const names: Options = { adamw: 'adamw', adamw_8bit_bnb: 'adamw_bnb_8bit', adam: 'adamw', sgd: 'sgd' };
  const wanted = String(given['optimizer.name'] ?? 'adamw');
  const decay = given['optimizer.kwargs.weight_decay'];
  if (wanted === 'adam' && !isOff(decay ?? null)) return refused('Adam’s decay in the gradient is not here: adamw');
  const [beta1, beta2] = (given['optimizer.kwargs.betas'] ?? []) as readonly unknown[];
  const numbers = { adam_beta1: beta1, adam_beta2: beta2, adam_epsilon: given['optimizer.kwargs.eps'] };
  // torch's AdamW decays by 0.01 where nothing is said.
  draft.set('train.weightDecay', Number(decay ?? (wanted.startsWith('adamw') ? 0.01 : 0)));
  return optimizerOf({ optim: names[wanted] ?? wanted, ...numbers }, draft);
}

/** CosineAnnealingLR falls from lr to eta_min in T_max updates: a constant where these are equal, or the run is far shorter. */
function scheduleOf(given: Options, draft: Draft): Verdict {
  draft.set('train.warmupRatio', 0);
  const name = String(given['scheduler.name'] ?? '');
  if (name !== 'cosine_annealing') return refused(`no schedule ${name} here; cosine_annealing`);
  const rate = number(given, 'optimizer.kwargs.lr', 1e-3);
  const least = number(given, 'scheduler.kwargs.eta_min', 0);
  const half = number(given, 'scheduler.kwargs.T_max', Infinity);
  const updates = number(given, 'train.total_steps', Infinity);
  if (least === rate || half >= 100 * updates) {
    draft.set('train.schedule', 'constant');
    return taken('train.schedule: constant, which it amounts to');
  }
  if (half !== updates) return refused(`T_max ${half} of ${updates} updates: only a whole half wave is here`);
  draft.set('train.schedule', { name: 'cosineWithMinimum', minimum: least / rate });
  return taken('train.schedule: cosineWithMinimum');
}

function batchOf(given: Options, draft: Draft): Verdict {
  const { rollouts, batch, micro, updates } = roundOf(given);
  const whole = isPpo(given) ? rollouts : batch;
  if (whole % micro !== 0) return refused(`${whole} rows are no multiple of ${micro}`);
  draft.set('train.batchSize', micro).set('train.gradientAccumulation', whole / micro);
  if (!isPpo(given)) return taken('train.batchSize, train.gradientAccumulation');
  draft
    .set('stage.epochs', number(given, 'method.ppo_epochs', 4))
    .set('stage.miniBatches', Math.ceil(rollouts / batch));
  return taken(
    `a step of ${rollouts} answers and ${updates} updates: train.batchSize, gradientAccumulation, stage.epochs, miniBatches`,
  );
}

function lengthOf(given: Options, draft: Draft): Verdict {
  const total = given['train.total_steps'];
  if (isPpo(given)) {
    const rounds = Math.min(
      number(given, 'train.epochs', Infinity),
      total === undefined ? Infinity : stepsOf(given, total),
    );
    draft.set('train.maxSteps', rounds);
    return taken(`train.maxSteps: ${rounds} rounds of answers, each of ${roundOf(given).updates} updates`);
  }
  if (total === undefined) return set(draft, 'train.epochs', given['train.epochs']);
  draft.set('train.maxSteps', total);
  return taken('train.maxSteps; there the smaller of total_steps and epochs ends a run');
}

function trackerOf(given: Options, draft: Draft): Verdict {
  const wanted = given['train.tracker'];
  if (isOff(wanted ?? null)) return unused('metrics.jsonl and loss.svg are always written');
  const project = given['train.project_name'];
  const wandb = {
    wandb_project: project ?? 'trlx',
    wandb_entity: given['train.entity_name'],
    wandb_run_group: given['train.group_name'],
    run_name: given['train.run_name'],
  };
  return trackersOf({ report_to: wanted, ...wandb }, draft);
}

/** How answers are drawn: PPO draws while it trains, the others when they are asked. */
function drawing(key: string): Rule {
  const places: Readonly<Record<string, string>> = {
    max_new_tokens: 'maxNewTokens',
    top_k: 'topK',
    top_p: 'topP',
    temperature: 'temperature',
  };
  return {
    keys: [`method.gen_kwargs.${key}`],
    apply: (given, draft) => {
      const value = given[`method.gen_kwargs.${key}`];
      if (!isPpo(given)) return unused('given where answers are written: llmf generate');
      if (key === 'do_sample') return value === true ? unused('answers are drawn') : refused('answers are drawn here');
      if (key === 'eos_token_id') return set(draft, 'stage.stopIds', [value].flat());
      return set(draft, `stage.${places[key]}`, Number(value));
    },
  };
}

/** `{ method: { gen_kwargs: { top_k: 0 } } }` → `method.gen_kwargs.top_k`. */
export function flattened(raw: Options, above = ''): Options {
  return Object.fromEntries(
    Object.entries(raw).flatMap(([key, value]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
        ? Object.entries(flattened(value as Options, `${above}${key}.`))
        : [[`${above}${key}`, value]],
    ),
  );
}

export const trlx: Tool = {
  name: 'trlx',
  description: 'trlX: a TRLConfig (PPO, ILQL, SFT) as YAML or JSON, nested or by dotted names',
  defaults,
  rules,
  nullsUnset: true,
  read: flattened,
  note: 'trlX takes prompts, samples and rewards from a program: give them behind the file as data.train=[{path: …}] and, for PPO, rewards={name: function, path: reward.mjs}',
};
