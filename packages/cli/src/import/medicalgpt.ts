// SPDX-License-Identifier: Apache-2.0
/** MedicalGPT's dpo_training.py: its ScriptArguments, which it hands to TRL. */
import { listOf, quantizationOf, same, templateOf, trainingArguments, withoutEffect } from './rules.js';
import { taken, unused, type Draft, type Options, type Rule, type Tool, type Verdict } from './translation.js';

/** What it does where nothing is said. */
const defaults = (given: Options): Options => ({
  use_peft: true,
  lora_rank: 8,
  lora_alpha: 16,
  lora_dropout: 0.05,
  beta: 0.1,
  max_source_length: 2048,
  max_target_length: 512,
  per_device_train_batch_size: 4,
  gradient_accumulation_steps: 4,
  learning_rate: 5e-4,
  lr_scheduler_type: 'cosine',
  ...('num_train_epochs' in given ? {} : { max_steps: 200 }),
  warmup_steps: 100,
  weight_decay: 0.05,
  logging_steps: 1,
  save_steps: 50,
  eval_steps: 50,
  gradient_checkpointing: true,
});

const rules: readonly Rule[] = [
  same('model_name_or_path', 'model.path'),
  ...withoutEffect(['model_type'], 'read from config.json'),
  {
    keys: ['beta'],
    apply: (given, draft) => {
      draft.plugin('loss-dpo').set('stage', 'preference').set('loss', { name: 'dpo', beta: given['beta'] });
      return taken('loss.beta, of stage preference');
    },
  },
  {
    keys: ['train_file_dir'],
    apply: (given, draft) => {
      draft.set('data.train', [{ path: given['train_file_dir'] }]);
      return taken('data.train');
    },
  },
  {
    keys: ['validation_file_dir'],
    apply: (given, draft) => {
      draft.set('data.eval', [{ path: given['validation_file_dir'] }]);
      return taken('data.eval');
    },
  },
  same('max_train_samples', 'data.maxSamples'),
  same('max_eval_samples', 'data.maxEvalSamples'),
  {
    keys: ['max_source_length', 'max_target_length'],
    apply: (given, draft) => {
      draft.set('data.maxLength', Number(given['max_source_length']) + Number(given['max_target_length']));
      return taken('data.maxLength: their sum, one limit for both together');
    },
  },
  { keys: ['template_name'], apply: (given, draft) => templateOf(String(given['template_name']), draft) },
  { keys: ['use_peft', 'target_modules', 'lora_rank', 'lora_alpha', 'lora_dropout', 'peft_path'], apply: adapterOf },
  {
    keys: ['load_in_4bit', 'load_in_8bit', 'qlora'],
    apply: (given, draft) =>
      quantizationOf(
        given['load_in_4bit'] === true || given['qlora'] === true ? 4 : given['load_in_8bit'] === true ? 8 : 0,
        'nf4',
        true,
        draft,
      ),
  },
  {
    keys: ['validation_split_percentage'],
    apply: (given, draft) => {
      if ('validation_file_dir' in given) return unused('validation_file_dir holds rows of its own');
      draft.set('data.eval', { split: Number(given['validation_split_percentage']) / 100 });
      return taken('data.eval.split');
    },
  },
  ...withoutEffect(['preprocessing_num_workers'], 'data.workers decides it'),
  ...withoutEffect(['overwrite_cache'], 'tokenized data is found again by its content'),
  same('tokenizer_name_or_path', 'data.tokenizer'),
  ...trainingArguments,
];

function adapterOf(given: Options, draft: Draft): Verdict {
  if (given['use_peft'] === false) {
    draft.set('adapter', 'none');
    return taken('adapter: none');
  }
  const { lora_rank: rank, lora_alpha: alpha, lora_dropout: dropout, target_modules: targets } = given;
  if (given['peft_path']) draft.set('adapter', { name: 'lora', path: given['peft_path'], dropout });
  else {
    const layers = targets === undefined || targets === 'all' ? 'all' : listOf(targets);
    draft.set('adapter', { name: 'lora', rank, alpha, dropout, targets: layers });
  }
  return taken('adapter: lora');
}

export const medicalgpt: Tool = {
  name: 'medicalgpt',
  description: 'MedicalGPT: flags of its dpo_training.py',
  defaults,
  rules,
};
