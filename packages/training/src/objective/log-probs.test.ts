// SPDX-License-Identifier: Apache-2.0
import { tf, type Model } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import type { Batch } from '../contracts/data.js';
import { batchLogProbs, evaluationMode } from './log-probs.js';

/** Two hidden values and three tokens; hidden states are the embeddings. */
const table = tf.tensor2d([
  [1, 0],
  [0, 2],
  [1, 1],
]);
const modelOf = (facts: Partial<Model>) =>
  ({
    modelType: 'bert',
    config: {},
    embed: (ids: Int32Array) => tf.gather(table, tf.tensor1d(ids, 'int32')),
    forward: (x: tf.Tensor2D) => x,
    head: { weight: table, bias: null },
    ...facts,
  }) as unknown as Model;

const batchOf = (targets: readonly number[]) =>
  ({
    ids: Int32Array.of(0, 1, 2),
    segments: [{ start: 0, length: 3 }],
    positions: Int32Array.of(0, 1, 2),
    rows: Int32Array.of(0, 1),
    targets: Int32Array.from(targets),
    response: Int32Array.of(0, 0),
    responses: { tokens: [2] },
  }) as unknown as Batch;

const hooks = { inputsEmbedded: { call: (embedded: unknown) => embedded } } as never;
const logProb = (model: Model, targets: readonly number[]) =>
  tf.tidy(() => {
    const request = { stats: ['logProb' as const], span: 'response' as const };
    return [...batchLogProbs(model, batchOf(targets), request, evaluationMode(null), hooks).logProb.dataSync()];
  });

describe('log-probs of an encoder', () => {
  it('are refused where each target is the next token, which it sees', () => {
    const encoder = modelOf({ isEncoder: true });
    expect(() => logProb(encoder, [1, 2])).toThrow(/LLMF_TRAINING_NEXT_TOKEN_SEEN[^]*got: bert/);
    expect(logProb(modelOf({}), [1, 2])).toHaveLength(2);
    expect(logProb(encoder, [1, 0])).toHaveLength(2);
  });

  it('are of hidden states that went through what stands before the head', () => {
    const transform = (hidden: tf.Tensor2D): tf.Tensor2D => tf.mul(hidden, 3);
    const got = logProb(modelOf({ head: { weight: table, bias: null, transform } }), [0, 0]);
    const logits = [3, 0, 3]; // 3 · [1, 0] with each row of the table
    expect(got[0]).toBeCloseTo(3 - Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0)), 5);
  });
});
