// SPDX-License-Identifier: Apache-2.0
/** A base in fewer bits: every stage trains an adapter on it, and what cannot be is refused. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, succeeded } from './support/command.js';
import { firstRunCopy, metricsOf } from './support/first-run.js';
import { describeKills } from './support/kill-and-resume-claims.js';

const lora = ['adapter.name=lora', 'adapter.rank=4', 'adapter.targets=all'];
const few = ['train.maxSteps=6', 'train.logEvery=1', 'train.evalOnStart=false', 'data.eval=null'];

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

const start = (output: string, ...words: string[]) =>
  llmf(['train', `output=${output}`, ...lora, ...few, ...words], { folder: copy.folder });
const lossesOf = async (output: string) =>
  (await metricsOf(join(copy.folder, output))).flatMap(({ loss }) => (loss === undefined ? [] : [loss]));

describe.each([
  ['sft', ['nf4', 'fp4', 'int8'], ['sft.yaml', 'model.path=model', 'train.learningRate=0.01']],
  ['dpo', ['nf4'], ['--plugin', 'loss-dpo', 'train.learningRate=0.005']],
  ['orpo', ['nf4'], ['--plugin', 'loss-orpo', 'train.learningRate=0.01']],
  ['simpo', ['nf4'], ['--plugin', 'loss-simpo', 'train.learningRate=0.01']],
])('%s', (name, formats, words) => {
  it.each(formats)('learns on a base in %s', async (format) => {
    const output = `${name}-${format}`;
    const out = succeeded(await start(output, `quantization=${format}`, ...words));
    const losses = await lossesOf(output);
    expect(losses).toHaveLength(6);
    expect(Math.min(...losses.slice(3))).toBeLessThan(losses[0]!);
    if (name !== 'dpo') return;
    // The reference is the same bytes with the adapter off: to the bit the policy's log-probs at the start.
    expect(out).toContain('the model with its adapter off; no extra memory');
    expect(losses[0]).toBe(Math.fround(Math.log(2)));
  });
});

describe('a quantized base', () => {
  it('computes otherwise than the unquantized one, and each format than the others', async () => {
    succeeded(await start('sft-none', 'sft.yaml', 'model.path=model', 'train.learningRate=0.01'));
    const first = await Promise.all(
      ['none', 'nf4', 'fp4', 'int8'].map(async (name) => (await lossesOf(`sft-${name}`))[0]),
    );
    expect(new Set(first).size).toBe(4);
  });

  it.each([
    ['full tuning', ['adapter=none'], /LLMF_MODELS_TRAINED_IN_FORMAT[^]*trained weights are float32[^]*adapter: lora/],
    ['a layer that is none', ['quantization={name: nf4, layers: w_proj}'], /LLMF_NN_FORMAT_LAYERS[^]*w_proj/],
    ['a block size that is none', ['quantization={name: nf4, blockSize: 48}'], /blockSize/],
    ['a format that is none', ['quantization=nf5'], /LLMF_CORE_UNKNOWN_NAME[^]*nf4/],
  ])('refuses %s', async (title, words, told) => {
    const all = ['train', 'output=refused', ...few, '--plugin', 'loss-simpo', 'quantization=nf4', ...words];
    const { status, err } = await llmf(all, { folder: copy.folder });
    expect(err, title).toMatch(told);
    expect(status).toBe(1);
  });

  it('is expanded by merge, which says what that takes and proves the result', async () => {
    const merge = (output: string, ...words: string[]) =>
      llmf(['merge', '--model', 'model', '--adapter', 'dpo-nf4', '--output', output, '--dtype', 'BF16', ...words], {
        folder: copy.folder,
      });
    const out = succeeded(await merge('merged', 'quantization=nf4'));
    expect(out).toMatch(/merged 14 layers[^]*the base is kept in nf4: its merged layers were expanded/);
    expect(succeeded(await merge('merged-plain'))).not.toContain('kept in');
  });
});

describeKills({
  title: 'DPO with LoRA on a base in nf4',
  words: ['--plugin', 'loss-dpo', 'train.batchSize=4', 'quantization=nf4', ...lora, 'adapter.dropout=0.1'],
  steps: 32,
  kills: 3,
  weights: 'adapter_model.safetensors',
});
