// SPDX-License-Identifier: Apache-2.0
// MedicalGPT's steps on a tiny BLOOM: pretraining, supervised tuning with LoRA, its merge, and its DPO line flag by flag over
// its reward data: 100 steps, 10 evaluations, 2 checkpoints, event files.
import { fileURLToPath } from 'node:url';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluationsOf, inFolder, repository } from '../llmf.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

/** The article's flags; `data/reward` and `merged-sft` are as in its steps before. */
export const dpoFlags =
  '--model_type bloom --model_name_or_path merged-sft --train_file_dir data/reward --validation_file_dir data/reward-held-out ' +
  '--per_device_train_batch_size 3 --per_device_eval_batch_size 1 --do_train --do_eval --use_peft True ' +
  '--max_train_samples 1000 --max_eval_samples 10 --max_steps 100 --eval_steps 10 --save_steps 50 ' +
  '--max_source_length 128 --max_target_length 128 --output_dir outputs-dpo-v1 --target_modules all --lora_rank 8 ' +
  '--lora_alpha 16 --lora_dropout 0.05 --torch_dtype float16 --fp16 True --device_map auto --report_to tensorboard ' +
  '--remove_unused_columns False --gradient_checkpointing True --cache_dir ./cache';

export async function run(folder) {
  writeData(folder);
  const llmf = inFolder(folder);
  llmf('init', 'untrained', '--config', 'config.json', '--tokenizer', 'tokenizer', '--seed', '1');
  const supervised = [
    'data.train=[{path: data/reward}]',
    'train.logEvery=20',
    'train.batchSize=8',
    'train.gradientAccumulation=1',
  ];
  llmf(
    'train',
    'model.path=untrained',
    'stage=sft',
    'adapter=none',
    ...supervised,
    'train.maxSteps=300',
    'train.learningRate=3e-3',
    'output=merged-pt',
  );
  llmf(
    'train',
    'model.path=merged-pt',
    'stage=sft',
    'adapter.rank=8',
    ...supervised,
    'train.maxSteps=60',
    'output=outputs-sft-v1',
  );
  llmf('merge', '--model', 'merged-pt', '--adapter', 'outputs-sft-v1', '--output', 'merged-sft');
  llmf('train', '--from', 'medicalgpt', '--', ...dpoFlags.split(' '));
  const output = join(folder, 'outputs-dpo-v1');
  const evaluations = evaluationsOf(output);
  return {
    evaluations: evaluations.length,
    checkpoints: readdirSync(join(output, 'checkpoints')),
    eventFiles: readdirSync(join(output, 'tensorboard')).length,
    accuracyFirst: evaluations[0]['eval_rewards/accuracies'],
    accuracyLast: evaluations.at(-1)['eval_rewards/accuracies'],
    marginLast: evaluations.at(-1)['eval_rewards/margins'],
  };
}

/** Pairs of ../../first-run in MedicalGPT's form: question, response_chosen, response_rejected. */
function writeData(folder) {
  const example = join(repository, 'examples', 'first-run');
  for (const [name, file] of [
    ['reward', 'train.json'],
    ['reward-held-out', 'held-out.json'],
  ]) {
    mkdirSync(join(folder, 'data', name), { recursive: true });
    const pairs = JSON.parse(readFileSync(join(example, 'data', file), 'utf8'));
    const lines = pairs.map(({ prompt, chosen, rejected }) =>
      JSON.stringify({
        system: '',
        history: [],
        question: prompt,
        response_chosen: chosen,
        response_rejected: rejected,
      }),
    );
    writeFileSync(join(folder, 'data', name, 'pairs.jsonl'), `${lines.join('\n')}\n`);
  }
  mkdirSync(join(folder, 'tokenizer'));
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    cpSync(join(example, 'architecture', name), join(folder, 'tokenizer', name));
  }
  cpSync(join(here, 'config.json'), join(folder, 'config.json'));
}
