// SPDX-License-Identifier: Apache-2.0
// What a config asks for in vain is said, by `train` and by `check`, in the same words.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestFolder } from './support/folder.js';
import { jsonLines, makeTinyModel } from './support/tiny-model.js';

let folder: TestFolder;
beforeAll(async () => {
  folder = await TestFolder.create();
  await makeTinyModel(folder);
  const rows = ['goat', 'saw'].map((name) => ({ prompt: `What is a ${name}?`, response: 'It is a thing.' }));
  await folder.write('rows.jsonl', jsonLines(rows));
});
afterAll(() => folder.remove());

const config = (train: string) =>
  [
    'model: { path: model }',
    'stage: sft',
    'data: { train: [{ path: rows.jsonl }] }',
    'backend: js',
    `train: { batchSize: 2, gradientAccumulation: 1, ${train} }`,
    '',
  ].join('\n');

it.each([
  ['warmupSteps: 4, maxSteps: 2', /train\.warmupSteps 4 is more than the run’s 2 steps: .* ends at 50 % of its peak/],
  ['maxSteps: 2, evalEvery: 500', /train\.evalEvery evaluates nothing: there are no held-out rows/],
  ['maxSteps: 2, evalOnStart: true', /train\.evalOnStart evaluates nothing/],
  ['warmupSteps: 1, maxSteps: 1', null], // of one update: lora_A's gradient is zero, and nothing is said of it
])('{ %s }', async (train, said) => {
  await folder.write('llmf.yaml', config(train));
  for (const [command, ...more] of [['check'], ['train', `output=runs/${train.replaceAll(/\W+/g, '-')}`]]) {
    const { status, err } = await folder.llmf(command!, ...more);
    expect(status, err).toBe(0);
    if (said === null) expect(err).toBe('');
    else expect(err).toMatch(said);
  }
});
