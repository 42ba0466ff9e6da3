// SPDX-License-Identifier: Apache-2.0
/** What stops a run that would go on with a wrong result: each guard is seen to fire, through the real command. */
import { apiVersion } from '@llmf/core';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { llmf, repository, succeeded } from './support/command.js';
import { firstRunCopy } from './support/first-run.js';

const nn = pathToFileURL(join(repository, 'packages', 'nn', 'dist', 'index.js')).href;
const needs = `{ rows: 'pair', reference: 'required', stats: [], span: 'response', coupling: 'item' }`;

/** A plugin that brings one loss over pairs, whose items are the sums of the chosen answers' log-probs over the reference's. */
const lossPlugin = ({ facts = '', items = 'ratios', known = 'null' }) => `
import { tf } from '${nn}';
const loss = {
  name: 'wrong',
  needs: () => ({ ...${needs}, ${facts} }),
  compute({ policy, reference, groups }) {
    const ratios = tf.slice(tf.sub(policy.sum, reference.sum), 0, groups);
    return { items: ${items}, unit: 'group', metrics: {} };
  },
  atReference: () => ${known},
};
export default () => ({
  name: 'loss-wrong',
  apiVersion: ${apiVersion},
  apply: (engine) => engine.provide(Symbol.for('llmf:loss'), loss),
});
`;

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

const train = (output: string, ...words: string[]) =>
  llmf(
    [
      'train',
      `output=${output}`,
      'adapter=lora',
      'train.maxSteps=2',
      'train.evalOnStart=false',
      'data.eval=null',
      ...words,
    ],
    {
      folder: copy.folder,
    },
  );

it.each([
  [
    'a loss that is not what it says where policy and reference are equal',
    { known: '1' },
    /LLMF_TRAINING_AT_REFERENCE[^]*step 0[^]*got: 0[^]*expected: 1/,
  ],
  ['a loss that is NaN there', { items: 'tf.mul(ratios, NaN)', known: '0' }, /LLMF_TRAINING_AT_REFERENCE[^]*got: NaN/],
  [
    'a loss that returns another number of items than its unit has',
    { items: 'tf.slice(ratios, 0, 1)' },
    /LLMF_TRAINING_LOSS_UNITS[^]*got: 1 items[^]*expected: 8/,
  ],
  [
    'batches that would be split though their items depend on each other',
    { facts: `coupling: 'batch'` },
    /LLMF_TRAINING_BATCH_COUPLED[^]*got: wrong/,
    'train.tokensPerPass=64',
  ],
])('stops %s', async (title, given, told, ...more) => {
  const output = title.replaceAll(/\W+/g, '-');
  await writeFile(join(copy.folder, `${output}.mjs`), lossPlugin(given));
  const { status, err } = await train(output, '--plugin', `./${output}.mjs`, ...(more as string[]));
  expect(err).toMatch(told);
  expect(status).toBe(1);
});

it('stops a resume on other rows', async () => {
  succeeded(await train('rows', '--plugin', 'loss-simpo'));
  const file = join(copy.folder, 'data', 'train.json');
  const rows = JSON.parse(await readFile(file, 'utf8')) as unknown[];
  await writeFile(file, JSON.stringify(rows.slice(1)));
  const { status, err } = await train('rows', '--plugin', 'loss-simpo', 'train.maxSteps=4', '--resume');
  await writeFile(file, JSON.stringify(rows));
  expect(err).toMatch(/LLMF_TRAINING_DATA_CHANGED[^]*restore the data files/);
  expect(status).toBe(1);
});

it('stops a resume whose checkpoint lacks something that remembers', async () => {
  const plugin = `export default () => ({ name: 'counter', apiVersion: ${apiVersion}, decides: false, apply(engine) {
    engine.hooks.run.tap('counter', (run) => run.state.add('counter', { save: () => ({ json: 1 }), load() {} }));
  } });`;
  await writeFile(join(copy.folder, 'counter.mjs'), plugin);
  succeeded(await train('states', '--plugin', 'loss-simpo'));
  const { status, err } = await train(
    'states',
    '--plugin',
    'loss-simpo',
    '--plugin',
    './counter.mjs',
    'train.maxSteps=4',
    '--resume',
  );
  expect(err).toMatch(/LLMF_CORE_CHECKPOINT_STATES[^]*missing: counter/);
  expect(status).toBe(1);
});
