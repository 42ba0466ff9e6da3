// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { tf } from '../tf.js';
import { AttachedHead } from './head.js';

const key = { seed: 1, stream: 'head', step: 0, microbatch: 0 };
const set = (head: AttachedHead, values: Record<string, number[]>) => {
  for (const [name, variable] of head.variables) {
    const tensor = tf.tensor(values[name]!, variable.shape);
    variable.assign(tensor);
    tensor.dispose();
  }
};

describe('a head', () => {
  it('is one matrix where it has no hidden layer', () => {
    const head = AttachedHead.create({ name: 'score', outputs: 1, at: 'last' }, 2, key);
    expect([...head.variables.keys()]).toEqual(['score.weight']);
    set(head, { 'score.weight': [2, -1] });
    // 2·3 − 1·4 = 2
    expect([...tf.tidy(() => head.forward(tf.tensor2d([[3, 4]])).dataSync())]).toEqual([2]);
    head.dispose();
  });

  it('has a ReLU between its layers, named as in torch', () => {
    const head = AttachedHead.create({ name: 'v', outputs: 1, at: 'token', hidden: [2], bias: true }, 1, key);
    expect([...head.variables.keys()]).toEqual(['v.0.weight', 'v.0.bias', 'v.2.weight', 'v.2.bias']);
    set(head, { 'v.0.weight': [1, -1], 'v.0.bias': [0, 1], 'v.2.weight': [10, 100], 'v.2.bias': [5] });
    // x = 3: (3, −2) → (3, 0) → 30 + 5; x = −3: (−3, 4) → (0, 4) → 400 + 5
    expect([...tf.tidy(() => head.forward(tf.tensor2d([[3], [-3]])).dataSync())]).toEqual([35, 405]);
    head.dispose();
  });

  it('starts with the same weights for the same key, others under another name', () => {
    const values = (name: string) => {
      const head = AttachedHead.create({ name, outputs: 2, at: 'last' }, 3, key);
      const found = [...head.variables.values()][0]!.dataSync();
      head.dispose();
      return [...found];
    };
    expect(values('score')).toEqual(values('score'));
    expect(values('score')).not.toEqual(values('value'));
  });

  it('over the vocabulary gives output and log-softmax of the tokens that come, without all its outputs', () => {
    const head = AttachedHead.create(
      { name: 'q', outputs: 5, at: 'action', hidden: [4], bias: true, deviation: 1 },
      3,
      key,
    );
    const x = tf.tensor2d([0.5, -1, 2, 0, 1, -0.5, 3, 1, 1], [3, 3]);
    const tokens = Int32Array.of(4, 0, 4);
    const got = tf.tidy(() => head.actions(x, tokens).arraySync());
    const all = tf.tidy(() => head.forward(x).arraySync());
    for (const [at, token] of tokens.entries()) {
      const logSumExp = Math.log(all[at]!.reduce((sum, value) => sum + Math.exp(value), 0));
      expect(got[at]![0]).toBeCloseTo(all[at]![token]!, 5);
      expect(got[at]![1]).toBeCloseTo(all[at]![token]! - logSumExp, 5);
    }
    head.dispose();
  });
});
