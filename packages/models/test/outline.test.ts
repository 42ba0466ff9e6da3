// SPDX-License-Identifier: Apache-2.0
/** Models before loading: shapes and forms of weights, none of which is read. */
import { linear, outlineOf, packedOf, tf, weightBytes, type LoadOptions, type Model, type Tensor2D } from '@llmf/nn';
import { nf4 } from '@llmf/quantization';
import { beforeAll, describe, expect, it } from 'vitest';
import { find, fixture, loader } from './fixture.js';

const inNf4: LoadOptions['formats'] = (weights) =>
  new Map(
    [...weights]
      .filter(([, { kind }]) => kind === 'linear')
      .map(([name]) => [name, { format: nf4, options: { blockSize: 64, doubleQuantization: true } }]),
  );

/** The first block is trained. */
const isTrainable: LoadOptions['isTrainable'] = (name, blocks) => name.startsWith(`${blocks[0]!}.`);

const choices: readonly (readonly [string, Partial<LoadOptions>])[] = [
  ['as the file has them', {}],
  ['in nf4', { formats: inNf4 }],
  ['in nf4, a block trained', { formats: inNf4, isTrainable }],
];

describe.each(['llama', 'gpt2', 'qwen2'])('the outline of %s', (name) => {
  beforeAll(() => tf.setBackend('cpu'));
  const load = (options: Partial<LoadOptions>): Promise<Model> =>
    loader.load(fixture(name), { isTrainable: () => false, find, ...options });

  it.each(choices)('has names, shapes and bytes of the weights %s, and nothing of their values', async (_, options) => {
    const [outline, model] = [await load({ ...options, outline: true }), await load(options)];
    const formOf = ({ parameters, linears, blocks, hiddenSize }: Model) => ({
      parameters: [...parameters.values()].map(({ name: key, shape, trainable, value }) => {
        return { key, shape, trainable, bytes: weightBytes(value) };
      }),
      linears: [...linears.values()].map(({ path, inputs, outputs }) => ({ path, inputs, outputs })),
      blocks,
      hiddenSize,
    });
    expect(formOf(outline)).toEqual(formOf(model));
    for (const [key, { value }] of outline.parameters) {
      const packed = packedOf(model.parameters.get(key)!.value);
      if (packed !== null) expect(outlineOf(value)!.format, key).toBe(packed.format.name);
    }
    model.dispose();
    outline.dispose();
  });

  it('refuses to be computed with, by a coded error', async () => {
    const outline = await load({ outline: true });
    const { weight } = [...outline.linears.values()][0]!;
    const x = tf.zeros([1, weight.shape[1]]) as Tensor2D;
    expect(() => linear(x, weight)).toThrow(/LLMF_NN_WEIGHT_NOT_READ[^]*is an outline/);
    await expect(weight.data()).rejects.toThrow('LLMF_NN_WEIGHT_NOT_READ');
    tf.dispose(x);
    outline.dispose();
  });

  it('leaves no tensor', async () => {
    const before = tf.memory().numTensors;
    (await load({ outline: true })).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
