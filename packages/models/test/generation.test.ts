// SPDX-License-Identifier: Apache-2.0
import { generate, savedLora, tf, type Model } from '@llmf/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixture, loadFixture, logits, packed } from './fixture.js';

/** Prompts after which these random models do not repeat themselves at once. */
const prompts: Record<string, number[]> = { llama: [7, 31, 53, 11], gpt2: [21, 93, 62, 33] };

describe.each(['llama', 'gpt2'])('generate with %s', (name) => {
  const prompt = prompts[name]!;
  let model: Model;
  beforeAll(async () => {
    model = await loadFixture(fixture(name));
  });
  afterAll(() => model.dispose());

  /** Greedy decoding by running everything again for each token. */
  async function slowly(count: number): Promise<number[]> {
    const ids = [...prompt];
    for (let i = 0; i < count; i++) {
      const last = (await logits(model, packed([Int32Array.from(ids)]))).slice(-model.vocabularySize);
      ids.push(last.indexOf(Math.max(...last)));
    }
    return ids.slice(prompt.length);
  }

  it('greedy, is what running the whole text again for each token gives', async () => {
    const expected = await slowly(12);
    const seen: number[] = [];
    const { ids, reason } = await generate(model, prompt, {
      temperature: 0,
      maxNewTokens: 12,
      onToken: (id) => seen.push(id),
    });
    expect(ids).toEqual(expected);
    expect(seen).toEqual(expected);
    expect(reason).toBe('length');
  });

  it('stops after an end token, which is the last', async () => {
    const expected = await slowly(12);
    const end = expected.findIndex((id) => id !== expected[0]);
    expect(end).toBeGreaterThan(0);
    const answer = await generate(model, prompt, { temperature: 0, maxNewTokens: 12, eosIds: [1000, expected[end]!] });
    expect(answer).toEqual({ ids: expected.slice(0, end + 1), reason: 'stop' });
  });

  it('sampled, depends on the seed alone', async () => {
    const drawn = async (seed: number) =>
      (await generate(model, prompt, { maxNewTokens: 10, seed, temperature: 2 })).ids;
    expect(await drawn(3)).toEqual(await drawn(3));
    expect(await drawn(3)).not.toEqual(await drawn(4));
  });

  it('with top-k 1 is greedy', async () => {
    const { ids } = await generate(model, prompt, { maxNewTokens: 6, topK: 1, temperature: 3 });
    expect(ids).toEqual(await slowly(6));
  });

  it('ends at the context of the model', async () => {
    const long = Array.from({ length: model.contextLength - 2 }, (_, i) => i % 90);
    expect(await generate(model, long, { temperature: 0, maxNewTokens: 50 })).toMatchObject({
      ids: { length: 2 },
      reason: 'length',
    });
  });

  it('goes through the adapter', async () => {
    const adapter = await savedLora(model, fixture(name, 'adapter'), '--adapter');
    const { ids } = await generate(model, prompt, { temperature: 0, maxNewTokens: 6, adapter });
    const last = (await logits(model, packed([Int32Array.from(prompt)]), { adapter })).slice(-model.vocabularySize);
    expect(ids[0]).toBe(last.indexOf(Math.max(...last)));
    expect(ids).not.toEqual(await slowly(6));
    adapter.dispose();
  });

  it('leaves no tensor behind, also when it fails', async () => {
    const before = tf.memory().numTensors;
    await generate(model, prompt, { temperature: 0, maxNewTokens: 3 });
    const failing = generate(model, prompt, {
      temperature: 0,
      maxNewTokens: 3,
      onToken: () => {
        throw new Error('stop');
      },
    });
    await expect(failing).rejects.toThrow('stop');
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    [[], {}, 'LLMF_NN_EMPTY_PROMPT'],
    [Array.from({ length: 128 }, () => 1), {}, 'LLMF_NN_CONTEXT_FULL'],
    [[97], {}, 'LLMF_NN_INDEX'],
    [[1], { temperature: -1 }, 'LLMF_NN_SAMPLING'],
    [[1], { minP: 2 }, 'LLMF_NN_SAMPLING'],
    [[1], { repetitionPenalty: 0 }, 'LLMF_NN_SAMPLING'],
    [[1], { maxNewTokens: 0 }, 'LLMF_NN_SAMPLING'],
    [[1], { topP: 1.5 }, 'LLMF_NN_SAMPLING'],
    [[1], { topK: -1 }, 'LLMF_NN_SAMPLING'],
  ])('refuses prompt %j with %j: %s', async (ids, options, code) => {
    await expect(generate(model, ids, { maxNewTokens: 1, ...options })).rejects.toMatchObject({ code });
  });
});

describe('a prompt with pictures', () => {
  it('takes positions and embeddings of its own, and goes on from the largest position', async () => {
    const model = await loadFixture(fixture('llama'));
    const prompt = prompts['llama']!;
    const far = Int32Array.of(0, 1, 2, 10);
    const seen: number[] = [];
    const spy = Object.create(model, {
      forward: {
        value: (...[x, context]: Parameters<Model['forward']>) => {
          seen.push(...(context.positions as Int32Array));
          return model.forward(x, context);
        },
      },
    }) as Model;
    const embedded = (x: tf.Tensor2D) => tf.neg(x) as tf.Tensor2D;
    const changed = await generate(spy, prompt, { temperature: 0, maxNewTokens: 3, positions: far, embedded });
    expect(seen).toEqual([0, 1, 2, 10, 11, 12]);
    const plain = await generate(model, prompt, { temperature: 0, maxNewTokens: 3 });
    expect(changed.ids).not.toEqual(plain.ids);
    model.dispose();
  });

  it('stops where the logits are NaN, and names the weight', async () => {
    const model = await loadFixture(fixture('qwen2'), true);
    const weight = 'model.layers.0.mlp.up_proj.weight';
    const variable = model.parameters.get(weight)!.value as tf.Variable;
    tf.tidy(() => variable.assign(tf.mul(variable, NaN)));
    for (const temperature of [0, 1]) {
      await expect(generate(model, [1, 2], { temperature, maxNewTokens: 3 })).rejects.toThrow(
        new RegExp(`^LLMF_NN_LOGITS_NOT_FINITE[^]*weight ${weight}[^]*NaN after 2 tokens`),
      );
    }
    model.dispose();
  });
});
