// SPDX-License-Identifier: Apache-2.0
import { uniforms } from '@llmf/core';
import { kernels, linear, tf, type LowRank, type Tensor1D, type Tensor2D } from '@llmf/nn';
import { host, type OpCase, type Tensors } from '../op-case.js';

const all = [kernels.linear, kernels.linearInputGradient, kernels.linearWeightGradient];

interface Form {
  readonly bias?: boolean;
  readonly rank?: number;
  readonly frozen?: readonly string[];
  /** Probability that an input of the low-rank path is dropped. */
  readonly dropout?: number;
}

const dropoutKey = { key: { seed: 1, stream: 'dropout', step: 0, microbatch: 0 }, site: 'layer' };

function linearCase(name: string, [rows, inputs, outputs]: readonly [number, number, number], form: Form): OpCase {
  const { bias = false, rank, frozen = [], dropout = 0 } = form;
  const scale = 0.5;
  return {
    name: `linear, ${name}`,
    kernels: rank === undefined ? all : [...all, kernels.linearLowRankGradient],
    frozen,
    inputs: {
      x: host('x', [rows, inputs]),
      weight: host('weight', [outputs, inputs], 0.3),
      ...(bias ? { bias: host('bias', [outputs]) } : {}),
      ...(rank === undefined ? {} : { a: host('a', [rank, inputs], 0.3), b: host('b', [outputs, rank], 0.3) }),
    },
    run: (t) => [
      linear(t['x'] as Tensor2D, t['weight'] as Tensor2D, {
        bias: t['bias'] as Tensor1D | undefined,
        lowRank: rank === undefined ? null : ({ a: t['a'], b: t['b'], scale, dropout } as unknown as LowRank),
        dropoutKey,
      }),
    ],
    naive: (t: Tensors) => {
      const times = (x: Tensor2D, w: string) => tf.matMul(x, tf.transpose(t[w] as Tensor2D)) as Tensor2D;
      const plain = times(t['x'] as Tensor2D, 'weight');
      const biased = bias ? tf.add(plain, t['bias']!) : plain;
      if (rank === undefined) return [biased];
      const draws = uniforms(dropoutKey.key, dropoutKey.site, rows * inputs);
      const mask = tf.tensor2d(
        draws.map((draw) => (draw < dropout ? 0 : 1 / (1 - dropout))),
        [rows, inputs],
      );
      const low = times(times(tf.mul(t['x'] as Tensor2D, mask), 'a'), 'b');
      return [tf.add(biased, tf.mul(low, scale))];
    },
  };
}

export const linearCases: readonly OpCase[] = [
  linearCase('plain', [3, 5, 4], {}),
  linearCase('one row', [1, 7, 3], {}),
  linearCase('no rows', [0, 5, 4], {}),
  linearCase('bias', [3, 5, 4], { bias: true }),
  linearCase('low rank', [4, 6, 5], { rank: 2 }),
  linearCase('low rank and bias on a frozen weight', [4, 6, 5], { rank: 3, bias: true, frozen: ['weight', 'bias'] }),
  linearCase('low rank with dropout', [4, 6, 5], { rank: 2, dropout: 0.4 }),
  linearCase('frozen weight', [4, 6, 5], { frozen: ['weight'] }),
  linearCase('sizes beyond one vector', [37, 67, 41], { rank: 8, bias: true }),
];
