// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from '@llmf/core';
import { BatchedGenerator, generate, KeyValueArena, tf, type Model } from '@llmf/nn';
import { architectures } from '@llmf/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  configOf,
  Expected,
  find,
  fixture,
  fixtureNames,
  largestDifference,
  loader,
  loadFixture,
  logits,
  lossAndGradients,
  packed,
  predictionLoss,
  relativeError,
  scratchFolder,
  variablesOf,
  type PackedRow,
  type Predictions,
} from './fixture.js';

it('every architecture has a fixture', () => {
  expect(fixtureNames).toHaveLength(32);
  const types = new Set(fixtureNames.map((name) => configOf(name).model_type));
  const others = ['mt5', 't5']; // see encoder-decoders.test.ts
  expect([...types, ...others].sort()).toEqual(architectures.map(({ name }) => name).sort());
});

/** Linear layers of two blocks, where they are not those of Llama. */
const linearCounts: Readonly<Record<string, number>> = {
  gpt2: 8,
  gpt_neox: 8,
  gptj: 12,
  bloom: 8,
  falcon: 8,
  bert: 12,
  roberta: 12,
  modernbert: 8,
  phi3: 8,
  opt: 12,
  mixtral: 34,
  qwen2_moe: 42,
  qwen3_moe: 27,
};

/** Linear layers beside the blocks: an encoder's head and pooler. */
const outside = /^(cls|lm_head|head)\.(predictions\.transform\.)?(dense|seq_relationship)$|pooler|project_(in|out)$/;

/** Where every token sees all of its sequence, nothing goes on from a prompt. */
const isEncoder = (name: string) => ['bert', 'roberta', 'modernbert'].includes(configOf(name).model_type);

describe.each(fixtureNames)('%s', (name) => {
  let frozen: Model;
  let trainable: Model;
  let expected: Expected;
  const scratch = scratchFolder();

  beforeAll(async () => {
    expected = await Expected.read(name);
    frozen = await loadFixture(fixture(name));
    trainable = await loadFixture(fixture(name), true);
  });
  afterAll(() => {
    frozen.dispose();
    trainable.dispose();
    scratch.remove();
  });

  it('gives the logits of Transformers within 1e-4', async () => {
    for (const [index, ids] of expected.sequences.entries()) {
      const got = await logits(frozen, packed([ids]));
      expect(largestDifference(got, expected.values(`logits.${index}`))).toBeLessThan(1e-4);
    }
  });

  it('gives the loss and every parameter gradient of Transformers within 1e-3', async () => {
    const { loss, gradients } = await lossAndGradients(trainable, variablesOf(trainable), expected.sequences);
    expect(loss).toBeCloseTo(expected.values('loss')[0]!, 5);
    const names = expected.keys('grad.');
    expect([...gradients.keys()].sort()).toEqual([...names].sort());
    const unread = [...trainable.parameters.keys()].filter((key) => !gradients.has(key));
    expect(unread.every((key) => /pooler|seq_relationship/.test(key))).toBe(true);
    for (const key of names) {
      expect(relativeError(gradients.get(key)!, expected.gradient(key)), key).toBeLessThan(1e-3);
    }
  });

  it('recomputing blocks gives the same gradients', async () => {
    const variables = variablesOf(trainable);
    const plain = await lossAndGradients(trainable, variables, expected.sequences);
    const again = await lossAndGradients(trainable, variables, expected.sequences, { gradientCheckpointing: true });
    expect(again.loss).toBe(plain.loss);
    for (const [key, gradient] of plain.gradients) {
      expect(largestDifference(again.gradients.get(key)!, gradient), key).toBeLessThan(1e-6);
    }
  });

  it('gives two packed sequences what they get alone', async () => {
    const [first, second] = expected.sequences as [Int32Array, Int32Array];
    const together = await logits(frozen, packed([first, second]));
    const alone = [...(await logits(frozen, packed([first]))), ...(await logits(frozen, packed([second])))];
    expect(largestDifference(together, alone)).toBeLessThan(1e-5);
  });

  it.skipIf(isEncoder(name))('gives two answers that share a prompt what they get with a copy of it each', async () => {
    const [first, second] = expected.sequences as [Int32Array, Int32Array];
    const prompt = first.slice(0, 6);
    const answers = [first.slice(6), second.slice(0, 5)];
    const shared = await logits(frozen, branched(prompt, answers));
    const width = frozen.vocabularySize;
    const start = [prompt.length, prompt.length + answers[0]!.length];
    for (const [index, answer] of answers.entries()) {
      const whole = await logits(frozen, packed([Int32Array.from([...prompt, ...answer])]));
      const place = start[index]! * width;
      const ofAnswer = shared.slice(place, place + answer.length * width);
      expect(largestDifference(ofAnswer, whole.slice(prompt.length * width))).toBeLessThan(1e-5);
    }
  });

  it.skipIf(isEncoder(name))('gives a shared prompt the loss and gradients of two copies of it', async () => {
    const [first, second] = expected.sequences as [Int32Array, Int32Array];
    const prompt = first.slice(0, 6);
    const answers = [first.slice(6), second.slice(0, 5)];
    const variables = variablesOf(trainable);
    const shared = branched(prompt, answers);
    const copies = packed(answers.map((answer) => Int32Array.from([...prompt, ...answer])));
    const once = await predictionLoss(trainable, variables, shared, answersOf(shared, prompt.length, answers, true));
    const twice = await predictionLoss(trainable, variables, copies, answersOf(copies, prompt.length, answers, false));
    expect(once.loss).toBeCloseTo(twice.loss, 5);
    for (const [key, gradient] of twice.gradients) {
      expect(relativeError(once.gradients.get(key)!, gradient), key).toBeLessThan(1e-5);
    }
  });

  it.skipIf(isEncoder(name))('gives with a key-value cache what it gives without', async () => {
    const ids = expected.sequences[0]!;
    const cache = new KeyValueArena(ids.length);
    const pieces: number[] = [];
    for (const [start, end] of [
      [0, 9],
      [9, 10],
      [10, 12],
      [12, ids.length],
    ] as const) {
      const part = ids.slice(start, end);
      const row: PackedRow = {
        ids: part,
        segments: [{ start: 0, length: part.length }],
        positions: part.map((_, index) => start + index),
      };
      const held = {
        queryStart: 0,
        queryLength: part.length,
        keyStart: 0,
        keyLength: end,
        prefixStart: 0,
        prefixLength: 0,
      };
      cache.begin(row.positions as Int32Array, [held]);
      pieces.push(...(await logits(frozen, row, { cache })));
    }
    cache.dispose();
    expect(largestDifference(pieces, await logits(frozen, packed([ids])))).toBeLessThan(1e-5);
  });

  it.skipIf(isEncoder(name))('answers greedily as Transformers does, alone and in a batch', async () => {
    const [first, second] = expected.sequences as [Int32Array, Int32Array];
    const settings = { temperature: 0, maxNewTokens: 12 };
    const alone = await generate(frozen, [...first], settings);
    expect(alone.ids).toEqual([...expected.ints('greedy')]);
    const other = await generate(frozen, [...second], settings);
    const requests = [first, second].map((ids) => ({ ids }));
    const together: number[][] = [];
    for await (const { request, ids } of new BatchedGenerator(frozen).complete(requests, settings))
      together[request] = [...ids];
    expect(together).toEqual([alone.ids, other.ids]);
  });

  it('saves what it loaded, bit by bit, with the same names and shapes as Transformers', async () => {
    for (const [model, folder] of [
      [frozen, 'frozen'],
      [trainable, 'trainable'],
    ] as const) {
      const target = join(scratch.path, folder);
      await loader.save(model, target, { source: fixture(name), dtype: 'auto' });
      const [source, saved] = [
        await readSafetensors(fixture(name, 'model.safetensors')),
        await readSafetensors(join(target, 'model.safetensors')),
      ];
      expect(saved).toEqual(source);
      expect(JSON.parse(readFileSync(join(target, 'config.json'), 'utf8'))).toEqual(configOf(name));
    }
  });

  it.each(['F16', 'BF16'] as const)('loads what it saved as %s, rounded once', async (dtype) => {
    const target = join(scratch.path, dtype);
    await loader.save(frozen, target, { source: fixture(name), dtype });
    const again = await loadFixture(target);
    const files = await readSafetensors(join(target, 'model.safetensors'));
    expect(new Set(Object.values(files).map((tensor) => tensor.dtype))).toEqual(new Set([dtype]));
    const step = dtype === 'F16' ? 2 ** -11 : 2 ** -8; // half a unit in the last place, relative
    for (const [key, { value }] of frozen.parameters) {
      const [before, after] = [await value.data(), await again.parameters.get(key)!.value.data()];
      let excess = -Infinity; // one claim a weight: a claim a value takes seconds
      for (let i = 0; i < before.length; i++) {
        const allowed = Math.abs(before[i]!) * step + 2 ** -25;
        excess = Math.max(excess, Number.isNaN(after[i]!) ? Infinity : Math.abs(after[i]! - before[i]!) - allowed);
      }
      expect(excess, key).toBeLessThanOrEqual(0);
    }
    again.dispose();
  });

  it('lists its linear layers in forward order, the head not among them, and its blocks', () => {
    const paths = [...frozen.linears.keys()];
    expect(paths.every((path) => frozen.parameters.has(`${path}.weight`))).toBe(true);
    expect(paths).not.toContain('lm_head');
    const ofBlocks = paths.filter((path) => frozen.blocks.some((block) => path.startsWith(`${block}.`)));
    expect(paths.filter((path) => !ofBlocks.includes(path)).every((path) => outside.test(path))).toBe(true);
    expect(ofBlocks).toHaveLength(linearCounts[configOf(name).model_type] ?? 14);
    expect(frozen.blocks).toHaveLength(2);
  });

  it('leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    await logits(frozen, packed(expected.sequences));
    await lossAndGradients(trainable, variablesOf(trainable), expected.sequences);
    await lossAndGradients(trainable, variablesOf(trainable), expected.sequences, { gradientCheckpointing: true });
    (await loadFixture(fixture(name))).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

/** A prompt that both answers see, as pairs are packed. */
function branched(prompt: Int32Array, answers: readonly Int32Array[]): PackedRow {
  const { ids, segments } = packed([prompt, ...answers]);
  const positions = [...prompt.keys(), ...answers.flatMap((answer) => Array.from(answer, (_, i) => prompt.length + i))];
  const linked = segments.map((segment, index) => (index === 0 ? segment : { ...segment, prefix: 0 }));
  return { ids, segments: linked, positions: Int32Array.from(positions) };
}

/** Which row predicts which answer token; the prompt's last row predicts the first of each answer. */
function answersOf(
  row: PackedRow,
  promptLength: number,
  answers: readonly Int32Array[],
  isShared: boolean,
): Predictions {
  const rows = answers.flatMap((answer, index) => {
    const { start } = row.segments[isShared ? index + 1 : index]!;
    const first = isShared ? start : start + promptLength;
    return Array.from(answer, (_, i) => (i > 0 ? first + i - 1 : isShared ? promptLength - 1 : first - 1));
  });
  return { rows: Int32Array.from(rows), targets: Int32Array.from(answers.flatMap((answer) => [...answer])) };
}

describe('multimodal positions', () => {
  const mrope = { rope_scaling: { type: 'mrope', mrope_section: [1, 1, 2] } };

  it('that are all alike are plain ones; sections follow their own', async () => {
    const config = { ...configOf('qwen2'), ...mrope };
    const plain = await loadFixture(fixture('qwen2'), true);
    const multimodal = find('qwen2').build(config, { take: (name) => plain.parameters.get(name)! });
    const row = packed([Int32Array.of(3, 1, 4, 1, 5)]);
    const same = row.positions;
    const expected = await logits(plain, row);
    const alike = await logits(multimodal, row, { positions: [same, same, same] });
    expect(largestDifference(alike, expected)).toBe(0);
    const moved = await logits(multimodal, row, { positions: [same, same.map((at) => 2 * at), same] });
    expect(largestDifference(moved, expected)).toBeGreaterThan(1e-3);
    plain.dispose();
  });

  it('are refused by models without sections', async () => {
    const row = packed([Int32Array.of(3, 1)]);
    const positions = [row.positions, row.positions, row.positions] as const;
    for (const name of ['qwen2', 'gpt2']) {
      const model = await loadFixture(fixture(name));
      await expect(logits(model, row, { positions })).rejects.toThrow(/LLMF_(NN_VALUE|NN_MANY_POSITIONS)/);
      model.dispose();
    }
  });
});
