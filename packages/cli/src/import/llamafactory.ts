// SPDX-License-Identifier: Apache-2.0
/** LLaMA-Factory 0.9.5: src/llamafactory/hparams/{model,data,finetuning,generating}_args.py over TrainingArguments. */
import { join } from 'node:path';
import { isOff, listOf, notHere, quantizationOf, same, templateOf, trainingArguments, withoutEffect } from './rules.js';
import { refused, taken, unused, type Draft, type Options, type Rule, type Tool, type Verdict } from './translation.js';

const isVision = (given: Options): boolean =>
  /vl|vision|llava|pixtral/i.test(`${String(given['model_name_or_path'])} ${String(given['template'])}`) ||
  Object.keys(given).some((key) => /^(image|video)_|vision_tower|multi_modal/.test(key));

/** What it does where nothing is said (hparams, 0.9.5). */
const defaults = (given: Options): Options => ({
  stage: 'sft',
  finetuning_type: 'lora',
  ...(['lora', undefined].includes(given['finetuning_type'] as string | undefined)
    ? { lora_rank: 8, lora_dropout: 0, lora_target: 'all' }
    : {}),
  cutoff_len: 2048,
  dataset_dir: 'data',
  per_device_train_batch_size: 8,
  gradient_accumulation_steps: 1,
  learning_rate: 5e-5,
  num_train_epochs: 3,
  lr_scheduler_type: 'linear',
  ...('warmup_steps' in given ? {} : { warmup_ratio: 0 }),
  logging_steps: 500,
  save_steps: 500,
  bf16: false,
  ...(isVision(given) ? { image_max_pixels: 768 * 768, image_min_pixels: 32 * 32 } : {}),
});

const rules: readonly Rule[] = [
  same('model_name_or_path', 'model.path'),
  {
    keys: [
      'stage',
      'pref_loss',
      'pref_beta',
      'simpo_gamma',
      'dpo_label_smoothing',
      'pref_ftx',
      'ld_alpha',
      'kto_chosen_weight',
      'kto_rejected_weight',
      'use_dft_loss',
    ],
    apply: stageOf,
  },
  {
    keys: ['pref_bco_weight'],
    apply: (given) =>
      isOff(given['pref_bco_weight'])
        ? unused('off')
        : refused('write the sum of losses yourself: docs/coming-from.md'),
  },
  {
    keys: [
      'finetuning_type',
      'lora_rank',
      'lora_alpha',
      'lora_dropout',
      'lora_target',
      'use_rslora',
      'use_dora',
      'pissa_init',
      'pissa_iter',
      'pissa_convert',
      'additional_target',
      'freeze_trainable_layers',
      'freeze_trainable_modules',
      'freeze_extra_modules',
      'adapter_name_or_path',
      'create_new_adapter',
    ],
    apply: adapterOf,
  },
  {
    keys: ['loraplus_lr_ratio'],
    apply: (given, draft) => {
      if (isOff(given['loraplus_lr_ratio'])) return unused('off');
      draft.set('train.groups', [{ match: 'lora_B', rate: given['loraplus_lr_ratio'] }]);
      return taken('train.groups: the B matrices at that many times the rate');
    },
  },
  {
    keys: ['quantization_bit', 'quantization_type', 'double_quantization', 'quantization_method'],
    apply: (given, draft) =>
      quantizationOf(
        given['quantization_bit'] ?? null,
        given['quantization_type'],
        given['double_quantization'],
        draft,
      ),
  },
  {
    keys: ['dataset', 'dataset_dir', 'interleave_probs'],
    apply: (given, draft) => dataOf('dataset', 'data.train', given, draft),
  },
  { keys: ['eval_dataset', 'val_size'], apply: heldOut },
  {
    keys: ['mix_strategy'],
    apply: (given, draft) => {
      const names: Options = {
        concat: 'concat',
        interleave_under: 'interleaveUnder',
        interleave_over: 'interleaveOver',
      };
      const name = names[String(given['mix_strategy'])];
      if (name === undefined) return refused('concat, interleave_under or interleave_over');
      draft.set('data.mixture', name);
      return taken('data.mixture');
    },
  },
  { keys: ['template'], apply: (given, draft) => templateOf(String(given['template']), draft) },
  same('default_system', 'data.systemPrompt'),
  {
    keys: ['cutoff_len'],
    apply: (given, draft) => {
      draft.set('data.maxLength', given['cutoff_len']).set('data.truncation', 'proportional');
      return taken('data.maxLength, cut in proportion as there');
    },
  },
  same('max_samples', 'data.maxSamples'),
  {
    keys: ['disable_shuffling'],
    apply: (given, draft) => {
      draft.set('data.shuffle', given['disable_shuffling'] !== true);
      return taken('data.shuffle');
    },
  },
  same('train_on_prompt', 'data.trainOnPrompt'),
  same('mask_history', 'data.maskHistory'),
  same('preprocessing_num_workers', 'data.workers'),
  {
    keys: [
      'image_max_pixels',
      'image_min_pixels',
      'video_max_pixels',
      'video_min_pixels',
      'video_fps',
      'video_maxlen',
      'freeze_vision_tower',
      'freeze_multi_modal_projector',
      'freeze_language_model',
    ],
    apply: visionOf,
  },
  {
    keys: ['ref_model'],
    apply: (given, draft) => {
      if (isOff(given['ref_model'])) return unused('off');
      draft.set('reference', { path: given['ref_model'] });
      return taken('reference.path');
    },
  },
  {
    keys: ['reward_model', 'reward_model_type'],
    apply: (given, draft) => {
      if (given['stage'] !== 'ppo') return unused('only stage ppo reads it');
      draft.set('rewards', { name: 'model', path: given['reward_model'] });
      return taken('rewards: model');
    },
  },
  {
    keys: ['disable_gradient_checkpointing'],
    apply: (given, draft) => {
      draft.set('train.gradientCheckpointing', false);
      return taken('train.gradientCheckpointing: false');
    },
  },
  ...withoutEffect(['plot_loss'], 'loss.svg is always written'),
  ...withoutEffect(['overwrite_cache', 'tokenized_path'], 'tokenized data is found again by its content'),
  ...withoutEffect(
    [
      'packing',
      'neat_packing',
      'streaming',
      'buffer_size',
      'preprocessing_batch_size',
      'data_shared_file_system',
      'flat_packing',
    ],
    'rows are packed without padding and see only themselves; files are indexed, not loaded',
  ),
  ...withoutEffect(
    ['upcast_layernorm', 'upcast_lmhead_output', 'print_param_status'],
    'norms, softmax and losses are computed in 32 bits',
  ),
  ...notHere(
    [
      'use_llama_pro',
      'use_galore',
      'use_apollo',
      'use_badam',
      'use_muon',
      'use_adam_mini',
      'use_eaft_loss',
      'use_dft_loss',
      'oft_block_size',
      'oft_target',
      'shift_attn',
      'mixture_of_depths',
      'rope_scaling',
      'train_mm_proj_only',
      'predict_with_generate',
      'compute_accuracy',
      'neat_packing_attn',
    ],
    'not here',
  ),
  ...notHere(
    [
      'add_tokens',
      'add_special_tokens',
      'new_special_tokens',
      'new_special_tokens_config',
      'init_special_tokens',
      'freeze_original_embeddings',
    ],
    'tokens are added first: llmf add-tokens, whose folder is model_name_or_path then',
  ),
  ...withoutEffect(['resize_vocab'], 'llmf add-tokens gives new tokens their rows; others have theirs'),
  ...trainingArguments,
];

/** `stage` with the losses of preference stages. */
function stageOf(given: Options, draft: Draft): Verdict {
  const stage = String(given['stage']);
  if (stage === 'pt') return done(draft, { stage: 'pretrain' });
  if (stage === 'sft')
    return done(draft, {
      stage: 'sft',
      ...(given['use_dft_loss'] === true ? { loss: { name: 'sft', variant: 'dft' } } : {}),
    });
  if (stage === 'rm') return done(draft.plugin('algo-reward'), { stage: 'reward' });
  if (stage === 'ppo') return done(draft.plugin('algo-ppo'), { stage: 'ppo' });
  if (stage === 'kto') {
    const weights = {
      desirableWeight: given['kto_chosen_weight'] ?? 1,
      undesirableWeight: given['kto_rejected_weight'] ?? 1,
    };
    return done(draft.plugin('loss-kto'), {
      stage: 'unpaired',
      loss: { name: 'kto', beta: given['pref_beta'] ?? 0.1, ...weights },
    });
  }
  if (stage !== 'dpo') return refused(`no stage ${stage} here; pt, sft, rm, ppo, dpo, kto`);
  const loss = preferenceLoss(given);
  if (loss === null) return refused(`no pref_loss ${String(given['pref_loss'])} here`);
  draft.plugin(`loss-${loss.name}`);
  const share = Number(given['pref_ftx'] ?? 0);
  return done(draft, { stage: 'preference', loss: share > 0 ? [loss, { name: 'sft', weight: share }] : loss });
}

function preferenceLoss(given: Options): ({ name: string } & Record<string, unknown>) | null {
  const kind = String(given['pref_loss'] ?? 'sigmoid');
  const beta = given['pref_beta'] ?? 0.1;
  // Its likelihood is the mean of each chosen answer's own mean (train/dpo/trainer.py, odds_ratio_loss).
  if (kind === 'orpo') return { name: 'orpo', beta, likelihood: { span: 'response', reduction: 'answer' } };
  if (kind === 'simpo') return { name: 'simpo', beta, gamma: given['simpo_gamma'] ?? 0.5 };
  if (!['sigmoid', 'hinge', 'ipo', 'kto_pair'].includes(kind) || kind === 'kto_pair') return null;
  const smoothing = given['dpo_label_smoothing'];
  return {
    name: 'dpo',
    variant: kind,
    beta,
    ...(isOff(smoothing ?? null) ? {} : { labelSmoothing: smoothing }),
    ...(isOff(given['ld_alpha'] ?? null) ? {} : { ldAlpha: given['ld_alpha'] }),
  };
}

function done(draft: Draft, values: Options): Verdict {
  for (const [key, value] of Object.entries(values)) draft.set(key, value);
  return taken(Object.keys(values).join(', '));
}

function adapterOf(given: Options, draft: Draft): Verdict {
  const kind = String(given['finetuning_type']);
  const names = {
    trainableLayers: 'freeze_trainable_layers',
    trainableModules: 'freeze_trainable_modules',
    extraModules: 'freeze_extra_modules',
  };
  if (kind === 'full') return done(draft, { adapter: 'none' });
  if (kind === 'freeze') {
    const options = Object.entries(names).flatMap(([ours, theirs]) =>
      theirs in given && given[theirs] !== null
        ? [[ours, ours === 'trainableLayers' ? given[theirs] : listOf(given[theirs])]]
        : [],
    );
    return done(draft, { adapter: { name: 'freeze', ...Object.fromEntries(options) } });
  }
  if (kind !== 'lora') return refused(`no finetuning_type ${kind} here; lora, freeze, full`);
  const path = given['adapter_name_or_path'];
  if (path !== undefined && path !== null) {
    if (listOf(path).length > 1 || given['create_new_adapter'] === true)
      return refused('merge the adapters first (llmf merge), then name the merged model');
    return done(draft, { adapter: { name: 'lora', path, dropout: given['lora_dropout'] ?? 0 } });
  }
  const target = given['lora_target'];
  const isPissa = given['pissa_init'] === true;
  const whole = listOf(given['additional_target'] ?? '');
  if (isPissa && given['use_dora'] === true) return refused('DoRA or PiSSA, not both');
  if (isPissa && whole.length > 0) return refused('additional_target is for LoRA and DoRA');
  return done(draft, {
    adapter: {
      name: isPissa ? 'pissa' : given['use_dora'] === true ? 'dora' : 'lora',
      ...(isPissa ? { iterations: given['pissa_iter'] ?? 16 } : {}),
      rank: given['lora_rank'],
      ...(isOff(given['lora_alpha'] ?? null) ? {} : { alpha: given['lora_alpha'] }),
      dropout: given['lora_dropout'] ?? 0,
      targets: target === 'all' ? 'all' : listOf(target),
      ...(whole.length > 0 ? { modulesToSave: whole } : {}),
      ...(given['use_rslora'] === true ? { rsLora: true } : {}),
    },
  });
}

function dataOf(key: 'dataset' | 'eval_dataset', place: string, given: Options, draft: Draft): Verdict {
  const names = listOf(given[key] ?? '');
  if (names.length === 0) return refused('name a data set');
  const shares = given['interleave_probs'] === undefined ? [] : listOf(given['interleave_probs']).map(Number);
  const infoFile = join(String(given['dataset_dir'] ?? 'data'), 'dataset_info.json');
  draft.set(
    place,
    names.map((dataset, at) => ({ dataset, infoFile, ...(shares[at] === undefined ? {} : { weight: shares[at] }) })),
  );
  return taken(place);
}

function heldOut(given: Options, draft: Draft): Verdict {
  if (!isOff(given['eval_dataset'] ?? null)) return dataOf('eval_dataset', 'data.eval', given, draft);
  const size = Number(given['val_size'] ?? 0);
  if (!(size > 0)) return unused('no held-out rows');
  draft.set('data.eval', { split: size });
  return taken(`data.eval.split: ${size < 1 ? 'a share of the rows' : 'a number of rows'}`);
}

function visionOf(given: Options, draft: Draft): Verdict {
  draft.plugin('vision');
  const places: Readonly<Record<string, string>> = {
    image_max_pixels: 'vision.image.maxPixels',
    image_min_pixels: 'vision.image.minPixels',
    video_max_pixels: 'vision.video.maxPixels',
    video_min_pixels: 'vision.video.minPixels',
    video_fps: 'vision.video.framesPerSecond',
    video_maxlen: 'vision.video.maxFrames',
    freeze_vision_tower: 'vision.freeze.tower',
    freeze_multi_modal_projector: 'vision.freeze.projector',
    freeze_language_model: 'vision.freeze.language',
  };
  for (const [key, place] of Object.entries(places)) if (key in given) draft.set(place, given[key]);
  return taken('vision');
}

export const llamafactory: Tool = {
  name: 'llamafactory',
  description: 'LLaMA-Factory: the YAML or JSON of `llamafactory-cli train`, or its flags',
  defaults,
  rules,
};
