// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { llmf, repository, succeeded } from './command.js';
import { firstRunCopy } from './first-run.js';
import type { FaultCase } from './faults.js';

const reward = join(repository, 'test', 'support', 'reward.mjs');
const every = ['data.eval=null', 'train.batchSize=2', 'train.maxSteps=4', 'train.saveEvery=2', 'train.logEvery=1'];
const training = (title: string, words: readonly string[]): FaultCase => {
  const argv = ['train', ...words, 'data.maxSamples=8', 'output=out', ...every];
  return { title, argv, again: [...argv, '--resume'], results: ['out'] };
};

export const sftCase = training('SFT', ['sft.yaml', 'model.path=model', 'adapter=none']);

export const initCase: FaultCase = {
  title: 'init',
  argv: ['init', 'new', '--config', 'model/config.json', '--tokenizer', 'model'],
  again: ['init', 'new', '--config', 'model/config.json', '--tokenizer', 'model'],
  results: ['new'],
};

export const faultCases: readonly FaultCase[] = [
  sftCase,
  training('DPO with a cached reference', [
    '--plugin',
    'loss-dpo',
    'reference=cached',
    'adapter={ name: lora, rank: 2 }',
  ]),
  training('PPO with an adapter', [
    'sft.yaml',
    'model.path=model',
    '--plugin',
    'algo-ppo',
    'adapter={ name: lora, rank: 2 }',
    'stage={ name: ppo, maxNewTokens: 6 }',
    `rewards={ name: function, path: ${reward} }`,
  ]),
  {
    title: 'merge',
    argv: ['merge', '--model', 'model', '--adapter', 'adapter', '--output', 'merged'],
    again: ['merge', '--model', 'model', '--adapter', 'adapter', '--output', 'merged'],
    results: ['merged'],
  },
  initCase,
  {
    title: 'quantize',
    argv: ['quantize', '--model', 'model', '--format', 'nf4', '--output', 'quantized'],
    again: ['quantize', '--model', 'model', '--format', 'nf4', '--output', 'quantized'],
    results: ['quantized'],
  },
];

/** A folder in which each of them can be started. The base of adapters is named by its place, so that copies agree. */
export async function faultProject(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  const copy = await firstRunCopy();
  const argv = ['train', '--plugin', 'loss-dpo', 'adapter={ name: lora, rank: 2 }', ...every, 'output=adapter-run'];
  succeeded(await llmf([...argv, 'data.maxSamples=8'], { folder: copy.folder }));
  const adapter = join(copy.folder, 'adapter');
  mkdirSync(adapter);
  for (const name of ['adapter_config.json', 'adapter_model.safetensors']) {
    cpSync(join(copy.folder, 'adapter-run', name), join(adapter, name));
  }
  return copy;
}
