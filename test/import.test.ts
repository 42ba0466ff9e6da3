// SPDX-License-Identifier: Apache-2.0
/** Configs of other tools, run as they are, train what the config that one would write by hand trains. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, succeeded } from './support/command.js';
import { firstRunCopy, metricsOf } from './support/first-run.js';
import { sha256 } from './support/kill-and-resume.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
  const columns = { prompt: 'prompt', chosen: 'chosen', rejected: 'rejected' };
  const info = { polite: { file_name: 'train.json', ranking: true, columns } };
  await writeFile(join(copy.folder, 'data', 'dataset_info.json'), JSON.stringify(info));
});
afterAll(() => copy.remove());

const at = (...parts: string[]) => join(copy.folder, ...parts);
const lossesOf = async (run: string) =>
  (await metricsOf(at(run))).flatMap(({ step, loss }) => (loss === undefined ? [] : [[step, loss]]));

describe('a YAML of LLaMA-Factory', () => {
  it('gives the bits of the config written by hand', { timeout: 120_000 }, async () => {
    const theirs = {
      model_name_or_path: 'model',
      stage: 'dpo',
      do_train: true,
      finetuning_type: 'lora',
      lora_rank: 4,
      lora_target: 'all',
      pref_beta: 0.1,
      dataset: 'polite',
      cutoff_len: 128,
      output_dir: 'theirs',
      logging_steps: 1,
      per_device_train_batch_size: 4,
      learning_rate: 1e-3,
      max_steps: 6,
      lr_scheduler_type: 'cosine',
      warmup_ratio: 0.1,
    };
    await writeFile(at('lf.yaml'), JSON.stringify(theirs));
    const out = succeeded(await llmf(['train', '--from', 'llamafactory', 'lf.yaml'], { folder: copy.folder }));
    for (const key of Object.keys(theirs)) expect(out).toMatch(new RegExp(`^${key} `, 'm'));

    const ours = {
      plugins: ['loss-dpo'],
      model: { path: 'model' },
      stage: 'preference',
      loss: { name: 'dpo', beta: 0.1 },
      adapter: { name: 'lora', rank: 4 },
      data: { train: [{ path: 'data/train.json' }], maxLength: 128, truncation: 'proportional' },
      train: {
        batchSize: 4,
        gradientAccumulation: 1,
        learningRate: 1e-3,
        maxSteps: 6,
        schedule: 'cosine',
        warmupRatio: 0.1,
        logEvery: 1,
      },
      backend: { precision: 'f32' },
      output: 'ours',
    };
    await writeFile(at('ours.yaml'), JSON.stringify(ours));
    succeeded(await llmf(['train', 'ours.yaml'], { folder: copy.folder }));
    expect(await lossesOf('theirs')).toEqual(await lossesOf('ours'));
    const adapter = 'adapter_model.safetensors';
    expect(await sha256(at('theirs', adapter))).toBe(await sha256(at('ours', adapter)));
  });

  it('is refused whole where an option has no place, naming each', async () => {
    await writeFile(at('galore.yaml'), JSON.stringify({ model_name_or_path: 'model', use_galore: true, made_up: 3 }));
    const { status, err } = await llmf(['train', '--from', 'llamafactory', 'galore.yaml'], { folder: copy.folder });
    expect(status).toBe(1);
    expect(err).toMatch(/LLMF_CLI_IMPORT_REFUSED[^]*use_galore true[^]*made_up 3/);
  });
});

describe('the flags of MedicalGPT', () => {
  it('train, evaluate, save and leave event files', { timeout: 120_000 }, async () => {
    const pairs = JSON.parse(await readFile(at('data', 'train.json'), 'utf8')) as Record<string, string>[];
    const rows = pairs.slice(0, 40).map(({ prompt, chosen, rejected }) => ({
      question: prompt,
      response_chosen: chosen,
      response_rejected: rejected,
    }));
    await writeFile(at('reward.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const flags =
      '--model_type qwen2 --model_name_or_path model --train_file_dir reward.jsonl --validation_file_dir reward.jsonl ' +
      '--per_device_train_batch_size 3 --do_train --do_eval --use_peft True --target_modules all --max_train_samples 30 ' +
      '--max_eval_samples 10 --max_steps 8 --eval_steps 2 --save_steps 4 --max_source_length 64 --max_target_length 64 ' +
      '--output_dir outputs-dpo-v1 --fp16 True --report_to tensorboard --remove_unused_columns False';
    const argv = ['train', '--from', 'medicalgpt', '--', ...flags.split(' ')];
    succeeded(await llmf(argv, { folder: copy.folder }));
    const metrics = await metricsOf(at('outputs-dpo-v1'));
    expect(metrics.filter((row) => 'eval_loss' in row).map(({ step }) => step)).toEqual([2, 4, 6, 8]);
    expect(await readdir(at('outputs-dpo-v1', 'checkpoints'))).toEqual(['step-4', 'step-8']);
    expect((await readdir(at('outputs-dpo-v1', 'tensorboard')))[0]).toMatch(/^events\.out\.tfevents/);
  });
});

/** Trains one config as another tool's file and one written by hand; both leave the same losses and the same file. */
async function equal(tool: string, theirs: object, keys: readonly string[], ours: object): Promise<void> {
  const [imported, written] = [`${tool}-theirs`, `${tool}-ours`];
  await writeFile(at(`${imported}.yaml`), JSON.stringify(theirs));
  await writeFile(at(`${written}.yaml`), JSON.stringify({ ...ours, output: written }));
  const argv = ['train', '--from', tool, `${imported}.yaml`, `output=${imported}`, ...keys];
  succeeded(await llmf(argv, { folder: copy.folder }));
  succeeded(await llmf(['train', `${written}.yaml`], { folder: copy.folder }));
  expect(await lossesOf(imported)).toEqual(await lossesOf(written));
  expect((await lossesOf(written)).length).toBe(3);
}

it('a YAML of Axolotl gives the bits of the config written by hand', { timeout: 120_000 }, async () => {
  const theirs = {
    base_model: 'model',
    rl: 'dpo',
    datasets: [{ path: 'data/train.json', type: 'chatml.prompt_pairs', ds_type: 'json' }],
    sequence_len: 128,
    adapter: 'lora',
    lora_r: 4,
    lora_alpha: 8,
    lora_target_linear: true,
    micro_batch_size: 4,
    gradient_accumulation_steps: 2,
    learning_rate: '1e-3',
    lr_scheduler: 'cosine',
    optimizer: 'adamw_bnb_8bit',
    max_steps: 3,
    warmup_ratio: 0,
    logging_steps: 1,
    sample_packing: false,
    flash_attention: true,
    wandb_project: null,
    output_dir: 'o',
  };
  await equal('axolotl', theirs, ['train.seed=3'], {
    plugins: ['loss-dpo'],
    model: { path: 'model' },
    stage: 'preference',
    loss: { name: 'dpo', beta: 0.1 },
    adapter: { name: 'lora', rank: 4, alpha: 8 },
    data: { train: [{ path: 'data/train.json' }], maxLength: 128 },
    train: {
      batchSize: 4,
      gradientAccumulation: 2,
      learningRate: 1e-3,
      schedule: 'cosine',
      optimizer: 'adamw8bit',
      warmupRatio: 0,
      maxSteps: 3,
      logEvery: 1,
      seed: 3,
    },
    backend: { precision: 'f32' },
  });
});

it('a config of trlX gives the bits of the config written by hand', { timeout: 120_000 }, async () => {
  const theirs = {
    train: {
      seq_length: 128,
      epochs: 10,
      total_steps: 3,
      batch_size: 8,
      minibatch_size: 4,
      checkpoint_interval: 100,
      eval_interval: 100,
      pipeline: 'PromptPipeline',
      trainer: 'AccelerateSFTTrainer',
      tracker: null,
      seed: 5,
    },
    model: { model_path: 'model', num_layers_unfrozen: 1 },
    tokenizer: { tokenizer_path: 'model' },
    optimizer: { name: 'adamw', kwargs: { lr: 1e-3, betas: [0.9, 0.95], eps: 1e-8, weight_decay: 1e-6 } },
    scheduler: { name: 'cosine_annealing', kwargs: { T_max: 3, eta_min: 1e-4 } },
    method: { name: 'sftconfig', gen_kwargs: { max_new_tokens: 8 } },
  };
  await equal('trlx', theirs, ['data.train=[{path: data/train.json}]'], {
    model: { path: 'model' },
    stage: 'sft',
    adapter: { name: 'freeze', trainableLayers: 1 },
    data: { train: [{ path: 'data/train.json' }], maxLength: 128 },
    train: {
      batchSize: 4,
      gradientAccumulation: 2,
      learningRate: 1e-3,
      weightDecay: 1e-6,
      maxGradNorm: null,
      optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
      schedule: { name: 'cosineWithMinimum', minimum: 0.1 },
      warmupRatio: 0,
      maxSteps: 3,
      seed: 5,
    },
    backend: { precision: 'f32' },
  });
});
