// SPDX-License-Identifier: Apache-2.0
/** TRL 1.13: `trl sft|dpo|kto|reward …`, its flags or YAML (ScriptArguments, ModelConfig, *Config). */
import { isOff, listOf, notHere, quantizationOf, same, trainingArguments, withoutEffect } from './rules.js';
import { refused, taken, unused, type Draft, type Options, type Rule, type Tool, type Verdict } from './translation.js';

/** The trainer, which no option names: the command's second word, given here as `trainer`. */
const trainerOf = (given: Options): string => String(given['trainer'] ?? (loosely(given) ? 'dpo' : 'sft'));

/** Options that only preference trainers have. */
const loosely = (given: Options): boolean =>
  'beta' in given || /sigmoid|ipo|hinge/.test(String(given['loss_type'] ?? ''));

const rates: Readonly<Record<string, number>> = {
  sft: 2e-5,
  dpo: 1e-6,
  kto: 1e-6,
  reward: 1e-4,
  orpo: 1e-6,
  cpo: 1e-6,
};

/** What it does where nothing is said (TRL 1.13, Transformers 5.18). */
const defaults = (given: Options): Options => ({
  trainer: trainerOf(given),
  use_peft: false,
  per_device_train_batch_size: 8,
  gradient_accumulation_steps: 1,
  learning_rate: rates[trainerOf(given)] ?? 1e-6,
  num_train_epochs: 3,
  lr_scheduler_type: 'linear',
  ...('warmup_ratio' in given ? {} : { warmup_steps: 0 }),
  max_length: 1024,
  logging_steps: 10,
  save_steps: 500,
  bf16: true,
});

const rules: readonly Rule[] = [
  same('model_name_or_path', 'model.path'),
  {
    keys: [
      'trainer',
      'loss_type',
      'beta',
      'label_smoothing',
      'cpo_alpha',
      'simpo_gamma',
      'f_divergence_type',
      'f_alpha_divergence_coef',
      'ld_alpha',
      'use_weighting',
      'desirable_weight',
      'undesirable_weight',
      'center_rewards_coefficient',
      'discopop_tau',
    ],
    apply: stageOf,
  },
  {
    keys: [
      'use_peft',
      'lora_r',
      'lora_alpha',
      'lora_dropout',
      'lora_target_modules',
      'use_rslora',
      'lora_task_type',
      'use_dora',
      'lora_modules_to_save',
    ],
    apply: adapterOf,
  },
  {
    keys: ['load_in_4bit', 'load_in_8bit', 'bnb_4bit_quant_type', 'use_bnb_nested_quant', 'bnb_4bit_use_double_quant'],
    apply: (given, draft) =>
      quantizationOf(
        given['load_in_4bit'] === true ? 4 : given['load_in_8bit'] === true ? 8 : 0,
        given['bnb_4bit_quant_type'] ?? 'nf4',
        given['use_bnb_nested_quant'] ?? given['bnb_4bit_use_double_quant'] ?? false,
        draft,
      ),
  },
  { keys: ['dataset_name', 'dataset_train_split', 'dataset_test_split', 'dataset_config'], apply: dataOf },
  {
    keys: ['max_length', 'max_prompt_length', 'max_completion_length', 'truncation_mode'],
    apply: (given, draft) => {
      draft
        .set('data.maxLength', given['max_length'])
        .set('data.truncation', given['truncation_mode'] === 'keep_end' ? 'keepEnd' : 'keepStart');
      return taken('data.maxLength: one limit for prompt and answer together');
    },
  },
  {
    keys: ['completion_only_loss'],
    apply: (given, draft) => {
      if (given['completion_only_loss'] === null) return unused('answers only where there is a prompt, as there');
      draft.set('data.trainOnPrompt', given['completion_only_loss'] === false);
      return taken('data.trainOnPrompt');
    },
  },
  same('chat_template_path', 'data.template'),
  { keys: ['precompute_ref_log_probs'], apply: cachedReference },
  ...withoutEffect(
    ['packing', 'padding_free', 'packing_strategy', 'eval_packing', 'pad_to_multiple_of', 'pad_token'],
    'rows are packed without padding and see only themselves',
  ),
  ...withoutEffect(['assistant_only_loss'], 'always, for every template'),
  ...withoutEffect(['disable_dropout'], 'dropout inside the base model is never applied'),
  ...withoutEffect(['dataset_num_proc'], 'data.workers decides it'),
  ...notHere(['rpo_alpha', 'sync_ref_model', 'reference_free'], 'not here'),
  ...trainingArguments,
];

function cachedReference(given: Options, draft: Draft): Verdict {
  if (isOff(given['precompute_ref_log_probs'])) return unused('off');
  draft.set('reference', 'cached');
  return taken('reference: cached');
}

function stageOf(given: Options, draft: Draft): Verdict {
  const trainer = trainerOf(given);
  const type = given['loss_type'];
  const beta = given['beta'] ?? 0.1;
  if (trainer === 'sft') {
    draft.set('stage', 'sft').set('loss', type === 'dft' ? { name: 'sft', variant: 'dft' } : 'sft');
    return taken('stage, loss');
  }
  if (trainer === 'reward') {
    const centerCoefficient = given['center_rewards_coefficient'] ?? 0;
    draft.plugin('algo-reward').set('stage', 'reward').set('loss', { name: 'reward', centerCoefficient });
    return taken('stage: reward, loss: reward');
  }
  if (trainer === 'kto') {
    const weights = {
      desirableWeight: given['desirable_weight'] ?? 1,
      undesirableWeight: given['undesirable_weight'] ?? 1,
    };
    draft
      .plugin('loss-kto')
      .set('stage', 'unpaired')
      .set('loss', { name: 'kto', beta, ...weights });
    return taken('stage: unpaired, loss: kto');
  }
  const loss = preferenceLoss(trainer, given, type, beta);
  if (loss === null) return refused(`no trainer ${trainer} with loss ${String(type)} here`);
  draft.plugin(`loss-${loss.name}`).set('stage', 'preference').set('loss', loss);
  return taken('stage: preference, loss');
}

const divergences: Options = {
  reverse_kl: 'reverse_kl',
  forward_kl: 'forward_kl',
  js_divergence: 'js',
  alpha_divergence: 'alpha',
};

function preferenceLoss(
  trainer: string,
  given: Options,
  type: unknown,
  beta: unknown,
): ({ name: string } & Record<string, unknown>) | null {
  if (trainer === 'orpo') return { name: 'orpo', beta };
  if (trainer === 'cpo' && type === 'simpo')
    return { name: 'simpo', beta, gamma: given['simpo_gamma'] ?? 0.5, cpoAlpha: given['cpo_alpha'] ?? 1 };
  if (trainer === 'cpo')
    return { name: 'simpo', lengthNormalized: false, gamma: 0, beta, cpoAlpha: given['cpo_alpha'] ?? 1 };
  if (trainer !== 'dpo') return null;
  const variant = String(Array.isArray(type) ? type[0] : (type ?? 'sigmoid'));
  if (Array.isArray(type) && type.length > 1) return null;
  const optional = {
    labelSmoothing: given['label_smoothing'],
    divergence: divergences[String(given['f_divergence_type'] ?? '')],
    alphaCoefficient: given['f_alpha_divergence_coef'],
    ldAlpha: given['ld_alpha'],
    wpo: given['use_weighting'],
    discopopTau: given['discopop_tau'],
  };
  const stated = Object.fromEntries(Object.entries(optional).filter(([, value]) => !isOff(value ?? null)));
  return { name: 'dpo', variant, beta, ...stated };
}

function adapterOf(given: Options, draft: Draft): Verdict {
  if (given['use_peft'] !== true) {
    draft.set('adapter', 'none');
    return taken('adapter: none (every weight, as there without --use_peft)');
  }
  const targets = given['lora_target_modules'];
  draft.set('adapter', {
    name: given['use_dora'] === true ? 'dora' : 'lora',
    rank: given['lora_r'] ?? 16,
    alpha: given['lora_alpha'] ?? 32,
    dropout: given['lora_dropout'] ?? 0.05,
    targets: targets === undefined ? ['q_proj', 'v_proj'] : targets === 'all-linear' ? 'all' : listOf(targets),
    ...(given['use_rslora'] === true ? { rsLora: true } : {}),
    ...(given['lora_modules_to_save'] === undefined ? {} : { modulesToSave: listOf(given['lora_modules_to_save']) }),
  });
  return taken(
    targets === undefined ? 'adapter: lora on q_proj and v_proj (PEFT’s list for most architectures)' : 'adapter: lora',
  );
}

function dataOf(given: Options, draft: Draft): Verdict {
  const path = given['dataset_name'];
  if (path === undefined) return refused('name the data: dataset_name');
  draft.set('data.train', [
    { path, ...('dataset_train_split' in given ? { split: given['dataset_train_split'] } : {}) },
  ]);
  if ('dataset_test_split' in given) draft.set('data.eval', [{ path, split: given['dataset_test_split'] }]);
  return taken('data.train: a file or folder (data sets of the hub are not fetched)');
}

export const trl: Tool = {
  name: 'trl',
  description: 'TRL: flags or YAML of `trl sft`, `dpo`, `kto`, `reward`, `orpo`, `cpo`; the trainer as `trainer`',
  defaults,
  rules,
};
