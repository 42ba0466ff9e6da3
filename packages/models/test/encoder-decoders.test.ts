// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from '@llmf/core';
import { BatchedGenerator, generate, logitsOf, savedLora, selectedLogProbs, tf, type Model } from '@llmf/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  configOf,
  contextOf,
  Expected,
  fixture,
  fixturesFolder,
  largestDifference,
  loader,
  loadFixture,
  packed,
  predictionLoss,
  relativeError,
  scratchFolder,
  variablesOf,
  type PackedRow,
  type Predictions,
} from './fixture.js';

const names = readdirSync(fixturesFolder)
  .filter((name) => existsSync(fixture(name, 'expected-pairs.safetensors')))
  .sort();

it('both families have a fixture', () => {
  expect(names).toEqual(['mt5', 't5', 't5-gated', 't5-tied-gated']);
});

/** A prompt and answers to it. */
interface Pair {
  readonly source: Int32Array;
  readonly answers: readonly Int32Array[];
}

/** Each prompt once, behind it its answers with the decoder's first token; and where answer tokens are predicted. */
function rowOf(pairs: readonly Pair[]): PackedRow & Predictions {
  const parts = pairs.flatMap(({ source, answers }) => [
    { ids: source, answer: null },
    ...answers.map((answer) => ({ ids: Int32Array.of(0, ...answer), answer })),
  ]);
  const { ids, segments, positions } = packed(parts.map((part) => part.ids));
  let source = 0;
  const linked = segments.map((segment, at) => {
    if (parts[at]!.answer !== null) return { ...segment, source };
    source = at;
    return segment;
  });
  const rows = linked.flatMap(({ start }, at) => [...(parts[at]!.answer ?? []).keys()].map((token) => start + token));
  const targets = Int32Array.from(parts.flatMap(({ answer }) => [...(answer ?? [])]));
  return { ids, segments: linked, positions, rows: Int32Array.from(rows), targets };
}

/** Logits of the answers' tokens, on the host. */
async function logitsOfAnswers(model: Model, row: PackedRow & Predictions, more = {}): Promise<Float32Array> {
  const result = tf.tidy(() => {
    const context = contextOf(row, more);
    return logitsOf(model, model.forward(model.embed(row.ids), context), row.rows, context);
  });
  const values = (await result.data()).slice() as Float32Array;
  result.dispose();
  return values;
}

describe.each(names)('%s', (name) => {
  let frozen: Model;
  let trainable: Model;
  let expected: Expected;
  let pairs: Pair[];
  const scratch = scratchFolder();

  beforeAll(async () => {
    expected = await Expected.read(name, 'expected-pairs.safetensors');
    pairs = [0, 1].map((at) => ({ source: expected.ints(`source.${at}`), answers: [expected.ints(`ids.${at}`)] }));
    frozen = await loadFixture(fixture(name));
    trainable = await loadFixture(fixture(name), true);
  });
  afterAll(() => {
    frozen.dispose();
    trainable.dispose();
    scratch.remove();
  });

  it('gives the logits of Transformers within 1e-4, alone and in one row', async () => {
    const alone: number[] = [];
    for (const [at, pair] of pairs.entries()) {
      const got = await logitsOfAnswers(frozen, rowOf([pair]));
      expect(largestDifference(got, expected.values(`logits.${at}`))).toBeLessThan(1e-4);
      alone.push(...got);
    }
    expect(largestDifference(await logitsOfAnswers(frozen, rowOf(pairs)), alone)).toBeLessThan(1e-5);
  });

  it('gives the loss and every parameter gradient of Transformers within 1e-3, also recomputed', async () => {
    const row = rowOf(pairs);
    const { loss, gradients } = await predictionLoss(trainable, variablesOf(trainable), row, row);
    expect(loss).toBeCloseTo(expected.values('loss')[0]!, 5);
    const keys = expected.keys('grad.');
    expect([...gradients.keys()].sort()).toEqual([...keys].sort());
    for (const key of keys) {
      expect(relativeError(gradients.get(key)!, expected.values(`grad.${key}`)), key).toBeLessThan(1e-3);
    }
    const again = await predictionLoss(trainable, variablesOf(trainable), row, row, { gradientCheckpointing: true });
    expect(again.loss).toBe(loss);
    for (const key of keys) {
      expect(largestDifference(again.gradients.get(key)!, gradients.get(key)!), key).toBeLessThan(1e-6);
    }
  });

  it('reads a prompt once for both of its answers', async () => {
    const [{ source, answers }, other] = pairs as [Pair, Pair];
    const both = [answers[0]!, other.answers[0]!];
    const once = rowOf([{ source, answers: both }]);
    const twice = rowOf(both.map((answer) => ({ source, answers: [answer] })));
    expect(once.ids.length).toBe(twice.ids.length - source.length);
    const variables = variablesOf(trainable);
    const [one, two] = [
      await predictionLoss(trainable, variables, once, once),
      await predictionLoss(trainable, variables, twice, twice),
    ];
    expect(one.loss).toBeCloseTo(two.loss, 5);
    for (const [key, gradient] of two.gradients) {
      expect(relativeError(one.gradients.get(key)!, gradient), key).toBeLessThan(1e-5);
    }
  });

  it('answers greedily as Transformers does, with a cache, alone and in a batch', async () => {
    const settings = { temperature: 0, maxNewTokens: 12 };
    const alone = await generate(frozen, [...pairs[0]!.source], settings);
    expect(alone.ids).toEqual([...expected.ints('greedy')]);
    const other = await generate(frozen, [...pairs[1]!.source], settings);
    const together: number[][] = [];
    const requests = pairs.map(({ source }) => ({ ids: source }));
    const generator = new BatchedGenerator(frozen, { maxSequences: 1 });
    for await (const { request, ids } of new BatchedGenerator(frozen).complete(requests, settings))
      together[request] = [...ids];
    expect(together).toEqual([alone.ids, other.ids]);
    for await (const { request, ids } of generator.complete(requests, settings))
      expect([...ids]).toEqual(together[request]);
  });

  it('gives with a cache the log-probs that training computes, several answers to a prompt', async () => {
    const { source } = pairs[0]!;
    const before = tf.memory().numTensors;
    const answers = new Map<number, { ids: Int32Array; logProbs: Float32Array }>();
    const settings = { maxNewTokens: 8, seed: 5, logProbs: true };
    const requests = [{ ids: source, answers: 3 }];
    for await (const each of new BatchedGenerator(frozen, { maxSequences: 2 }).complete(requests, settings))
      answers.set(each.answer, each);
    expect([...answers.keys()].sort()).toEqual([0, 1, 2]);
    for (const { ids, logProbs } of answers.values()) {
      const row = rowOf([{ source, answers: [ids] }]);
      const computed = tf.tidy(() => {
        const context = contextOf(row);
        const hidden = frozen.forward(frozen.embed(row.ids), context);
        const { weight, transform } = frozen.head;
        return selectedLogProbs(transform?.(hidden, context) ?? hidden, weight, row.rows, row.targets).logProb;
      });
      expect(largestDifference(logProbs, (await computed.data()) as Float32Array)).toBeLessThan(1e-5);
      computed.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('saves what it loaded, bit by bit; its config says whether the head is the embeddings', async () => {
    const target = join(scratch.path, 'saved');
    await loader.save(trainable, target, { source: fixture(name), dtype: 'auto' });
    const [source, saved] = await Promise.all(
      [fixture(name), target].map((folder) => readSafetensors(join(folder, 'model.safetensors'))),
    );
    expect(saved).toEqual(source);
    const config = JSON.parse(readFileSync(join(target, 'config.json'), 'utf8')) as object;
    expect(config).toEqual({ ...configOf(name), tie_word_embeddings: !('lm_head.weight' in source!) });
  });

  it('has its linear layers in forward order and its blocks, those of the encoder first', () => {
    const paths = [...frozen.linears.keys()].filter((path) => path !== 'lm_head');
    expect(paths.every((path) => frozen.blocks.some((block) => path.startsWith(`${block}.`)))).toBe(true);
    expect(frozen.blocks.slice(0, 3)).toEqual(['encoder.block.0', 'encoder.block.1', 'decoder.block.0']);
  });

  it('refuses a row without a source', async () => {
    const row = packed([Int32Array.of(1, 2, 3)]);
    expect(() => frozen.forward(frozen.embed(row.ids), contextOf(row))).toThrow(/LLMF_NN_NO_SOURCE[^]*segment 0/);
  });

  it.skipIf(!existsSync(fixture(name, 'adapter')))('gives with PEFT’s adapter the logits of PEFT', async () => {
    const adapter = await savedLora(frozen, fixture(name, 'adapter'), '--adapter');
    const got = await logitsOfAnswers(frozen, rowOf([pairs[0]!]), { adapter });
    expect(largestDifference(got, expected.values('adapter.logits.0'))).toBeLessThan(1e-4);
    const two = [adapter, null];
    const both = rowOf(pairs);
    const ofSegments = { lowRank: () => null, ofSegments: two.flatMap((each) => [each, each]) };
    const mixed = await logitsOfAnswers(frozen, both, { adapter: ofSegments });
    const plain = await logitsOfAnswers(frozen, rowOf([pairs[1]!]));
    expect(largestDifference(mixed, [...got, ...plain])).toBeLessThan(1e-5);
    adapter.dispose();
  });
});
