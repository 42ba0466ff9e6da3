// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
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

/** A command that appends to one file, and goes on with it. */
const appending = (title: string, output: string, words: readonly string[]): FaultCase => {
  const argv = [...words, '--output', output];
  return { title, argv, again: [...argv, '--resume'], results: [output] };
};

const writing = ['--model', 'model', '--max-new-tokens', '6', '--temperature', '1'];
const sampleCase = appending('sample', 'samples.jsonl', ['sample', 'prompts.jsonl', ...writing]);

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
  sampleCase,
  appending('label', 'labels.jsonl', ['label', 'written.jsonl', 'rewards={ name: function, path: ./rule.mjs }']),
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
  const prompts = ['Where is the library?', 'What time is it?', 'Thank you.', 'How are you?'];
  const lines = prompts.map((prompt) => `${JSON.stringify({ prompt, answer: 'Here.' })}\n`);
  writeFileSync(join(copy.folder, 'prompts.jsonl'), lines.join(''));
  const rule = 'export default (samples) => samples.map(({ answer }) => answer.length);\n';
  writeFileSync(join(copy.folder, 'rule.mjs'), rule);
  succeeded(await llmf([...sampleCase.argv.slice(0, -1), 'written.jsonl'], { folder: copy.folder }));
  return copy;
}
