// SPDX-License-Identifier: Apache-2.0
/** A base in fewer bits: every stage trains an adapter on it, and what cannot be is refused. */
import { readFileSync } from 'node:fs';
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

/** Files of weights that a folder's index names. */
const shardsOf = (folder: string): number => {
  const index = readFileSync(join(copy.folder, folder, 'model.safetensors.index.json'), 'utf8');
  const { weight_map: map } = JSON.parse(index) as { readonly weight_map: Readonly<Record<string, string>> };
  return new Set(Object.values(map)).size;
};

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

  it('is written as a folder, which trains to the same bits as the format that is chosen while loading', async () => {
    const quantize = (format: string, ...words: string[]) =>
      llmf(['quantize', '--model', 'model', '--format', format, '--output', `as-${format}`, ...words], {
        folder: copy.folder,
      });
    const written = succeeded(await quantize('nf4', 'model.maxShardSize=50KB'));
    expect(written).toMatch(/14 weights in nf4: as-nf4 \([\d.]+ KiB\), read back/);
    expect(shardsOf('as-nf4')).toBeGreaterThan(1);
    succeeded(await start('sft-folder', 'sft.yaml', 'model.path=as-nf4', 'train.learningRate=0.01'));
    expect(await lossesOf('sft-folder')).toEqual(await lossesOf('sft-nf4'));
    for (const [words, told] of [
      [['nf4'], /LLMF_CORE_OUTPUT_HOLDS_WEIGHTS/],
      [['q4_0'], /LLMF_NN_FORMAT_REFUSED[^]*no whole blocks of 32/],
      [['q8_0', 'quantization.layers=q_proj'], /LLMF_CLI_NO_LAYOUT[^]*nf4, fp4, int8/],
      [['q4_k'], /LLMF_NN_FORMAT_REFUSED[^]*GGUF/],
    ] as const) {
      const { status, err } = await quantize(...(words as readonly [string, ...string[]]));
      expect(err).toMatch(told);
      expect(status).toBe(1);
    }
  });

  it('is weighed by check before anything is loaded, in each format', async () => {
    const words = ['check', 'sft.yaml', 'model.path=model', 'adapter=lora'];
    const out = succeeded(await llmf(words, { folder: copy.folder }));
    const sizes = /([\d,]+) weights, (.*) as this run keeps them where they are frozen \((.*)\)/.exec(out)!;
    expect(sizes[3]).toMatch(/f32 .*, bf16 .*, nf4 .*, int8 /);
    expect(out.indexOf(sizes[0])).toBeLessThan(out.indexOf('training '));
    const quantized = succeeded(await llmf([...words, 'quantization=nf4'], { folder: copy.folder }));
    const stated = /nf4 ([\d.]+ \w+)/.exec(sizes[3]!)![1]!;
    expect(quantized).toContain(`${stated} as this run keeps them`);
  });

  it('is expanded by merge, which says what that takes and proves the result', async () => {
    const merge = (output: string, ...words: string[]) =>
      llmf(['merge', '--model', 'model', '--adapter', 'dpo-nf4', '--output', output, '--dtype', 'BF16', ...words], {
        folder: copy.folder,
      });
    const out = succeeded(await merge('merged', 'quantization=nf4'));
    expect(out).toMatch(/the base is kept in nf4: its merged layers were expanded[^]*merged 14 layers/);
    expect(succeeded(await merge('merged-plain', 'model.maxShardSize=50KB'))).not.toContain('kept in');
    expect(shardsOf('merged-plain')).toBeGreaterThan(1);
  });
});

describeKills({
  title: 'DPO with LoRA on a base in nf4',
  words: ['--plugin', 'loss-dpo', 'train.batchSize=4', 'quantization=nf4', ...lora, 'adapter.dropout=0.1'],
  steps: 20,
  kills: 2,
  weights: 'adapter_model.safetensors',
});
