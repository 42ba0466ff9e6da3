// SPDX-License-Identifier: Apache-2.0
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { toyConfig, type TestFolder } from '../support/folder.js';
import { changed, inTinyRun, toyStage, train, type BadInput } from './bad-input.js';

export const runs: BadInput[] = [
  {
    title: 'the output folder of another run',
    files: { 'llmf.yaml': toyConfig, 'run/metrics.jsonl': '{"step":1}\n', 'run/run.json': '{}' },
    argv: train,
    code: 'LLMF_CORE_OUTPUT_IN_USE',
    text: '--resume',
  },
  {
    title: 'an output folder below a file',
    files: { 'llmf.yaml': changed(['output: run', 'output: file/run']), file: 'precious' },
    argv: train,
    code: 'LLMF_CORE_OUTPUT_UNWRITABLE',
    text: 'ENOTDIR',
  },
  {
    title: 'an output that is a file',
    files: { 'llmf.yaml': toyConfig, run: 'precious' },
    argv: train,
    code: 'LLMF_CORE_OUTPUT_UNWRITABLE',
    text: 'EEXIST',
  },
  {
    title: 'a loss that is not a number',
    files: { 'llmf.yaml': toyStage('nanAt: 3') },
    argv: train,
    code: 'LLMF_CORE_LOSS_NOT_FINITE',
    text: 'the loss of step 3',
  },
  {
    title: 'a full disk',
    files: { 'llmf.yaml': toyStage('noSpaceAt: 2') },
    argv: train,
    code: 'LLMF_CLI_SYSTEM',
    text: 'make room on the disk',
  },
  {
    title: 'a fault of the code',
    files: { 'llmf.yaml': toyStage('failAt: 2') },
    argv: train,
    code: 'LLMF_CLI_UNEXPECTED',
    text: 'toy.stumble is not a function',
    status: 2,
  },
  ...inTinyRun([
    [
      'a learning rate that is infinite as float32',
      { config: [['maxSteps: 2', 'maxSteps: 1, learningRate: 1e39, warmupRatio: 0, saveEvery: 1']] },
      'TRAINING_WEIGHTS_NOT_FINITE',
      'lora_B.weight',
    ],
    [
      'a learning rate so small that no weight moves',
      { config: [['maxSteps: 2', 'maxSteps: 2, learningRate: 1e-46']] },
      'TRAINING_NOTHING_MOVED',
      'raise train.learningRate',
    ],
    [
      'a learning rate that blows the weights up',
      { config: [['maxSteps: 2', 'maxSteps: 9, learningRate: 1e36, maxGradNorm: null, warmupRatio: 0']] },
      'TRAINING_GRADIENT_NOT_FINITE',
      'lower train.learningRate',
    ],
  ]),
];

/** A run of eight steps that was stopped after five. */
const started = async (folder: TestFolder) => {
  const { status, err } = await folder.llmf(...train, 'train.maxSteps=5');
  if (status !== 0) throw new Error(err);
};

const cut = (file: string) => async (folder: TestFolder) => {
  await started(folder);
  await truncate(join(folder.path, file), 20);
};

export const resumed: BadInput[] = [
  {
    title: 'a resumed run with another seed',
    prepare: started,
    argv: [...train, '--resume', 'train.seed=7'],
    code: 'LLMF_CORE_RESUME_CONFIG_CHANGED',
    text: 'train.seed: 42 → 7',
  },
  {
    title: 'a checkpoint that was cut short',
    prepare: cut('run/checkpoints/step-5/state.json'),
    argv: [...train, '--resume'],
    code: 'LLMF_CORE_CHECKPOINT_BROKEN',
    text: 'step-5',
  },
  ...inTinyRun([
    [
      'other rows than those of the checkpoint',
      {
        async prepare(folder) {
          const { status, err } = await folder.llmf('train', 'train.maxSteps=1');
          if (status !== 0) throw new Error(err);
          await folder.write('rows.jsonl', '{"prompt":"What is a saw?","response":"It is a tool."}\n'.repeat(4));
        },
      },
      'TRAINING_DATA_CHANGED',
      'restore the data files',
    ],
  ]).map((row) => ({ ...row, argv: ['train', '--resume'] })),
];
