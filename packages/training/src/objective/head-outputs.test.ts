// SPDX-License-Identifier: Apache-2.0
import { AttachedHead, tf } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import type { Batch } from '../contracts/data.js';
import { headOutputs } from './head-outputs.js';

/** A prompt of 2 tokens, then two answers of 2 and 1 tokens; the state of place t is t. */
const hidden = tf.tensor2d([[0], [1], [2], [3], [4]]);
const batch = {
  ids: Int32Array.of(7, 7, 8, 9, 9),
  rows: Int32Array.of(1, 2, 1),
  responses: { start: Int32Array.of(2, 4), length: Int32Array.of(2, 1) },
} as unknown as Batch;

const outputs = (at: 'token' | 'last' | 'mean', paddingId: number | null = null) => {
  const head = AttachedHead.create({ name: 'score', outputs: 1, at }, 1, {
    seed: 0,
    stream: 'head',
    step: 0,
    microbatch: 0,
  });
  head.variables.get('score.weight')!.assign(tf.tensor2d([[10]]));
  return [...tf.tidy(() => headOutputs(head, hidden, batch, paddingId).dataSync())];
};

describe('the outputs of a head', () => {
  it('at tokens are read where each counted token is predicted', () => expect(outputs('token')).toEqual([10, 20, 10]));
  it('at the last are read at an answer’s last own token', () => expect(outputs('last')).toEqual([30, 40]));
  it('at the last pass over padding tokens, as Transformers does, but not out of the answer', () =>
    expect(outputs('last', 9)).toEqual([20, 40]));
  it('at the mean are read from the mean of an answer’s own tokens', () => expect(outputs('mean')).toEqual([25, 40]));
});
