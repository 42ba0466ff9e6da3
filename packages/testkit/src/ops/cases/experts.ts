// SPDX-License-Identifier: Apache-2.0
import { combineExperts, groupedLinear, kernels, routeTokens, tf, type LowRank, type Tensor2D } from '@llmf/nn';
import { host, type OpCase, type Tensors } from '../op-case.js';

const products = [kernels.groupedLinear, kernels.groupedLinearInputGradient, kernels.groupedLinearWeightGradient];
const scale = 0.5;

interface Form {
  readonly rank?: number;
  /** Groups without factors, where others have some. */
  readonly plain?: readonly number[];
  readonly frozen?: readonly string[];
}

/** @param counts rows of each group */
function groupedCase(name: string, counts: readonly number[], sizes: readonly [number, number], form: Form): OpCase {
  const [inputs, outputs] = sizes;
  const { rank, plain = [], frozen = [] } = form;
  const groups = counts.map((_, group) => group);
  const hasFactors = (group: number) => rank !== undefined && !plain.includes(group);
  const starts = counts.reduce((ends, count) => [...ends, ends.at(-1)! + count], [0]);
  return {
    name: `groupedLinear, ${name}`,
    kernels: rank === undefined ? products : [...products, kernels.groupedLinearLowRankGradient],
    frozen,
    inputs: {
      x: host('x', [starts.at(-1)!, inputs]),
      ...Object.fromEntries(groups.map((group) => [`weight${group}`, host(`w${group}`, [outputs, inputs], 0.3)])),
      ...Object.fromEntries(
        groups.filter(hasFactors).flatMap((group) => [
          [`a${group}`, host(`a${group}`, [rank!, inputs], 0.3)],
          [`b${group}`, host(`b${group}`, [outputs, rank!], 0.3)],
        ]),
      ),
    },
    run(t) {
      const weights = groups.map((group) => t[`weight${group}`] as Tensor2D);
      const lowRanks = groups.map((group) =>
        hasFactors(group) ? ({ a: t[`a${group}`], b: t[`b${group}`], scale, dropout: 0 } as unknown as LowRank) : null,
      );
      return [groupedLinear(t['x'] as Tensor2D, tf.tensor1d(starts, 'int32'), weights, { lowRanks })];
    },
    naive(t: Tensors) {
      const parts = groups.map((group) => {
        const rows = tf.slice(t['x'] as Tensor2D, [starts[group]!, 0], [counts[group]!, inputs]);
        const times = (x: Tensor2D, w: string) => tf.matMul(x, tf.transpose(t[w] as Tensor2D)) as Tensor2D;
        const y = times(rows, `weight${group}`);
        return hasFactors(group) ? tf.add(y, tf.mul(times(times(rows, `a${group}`), `b${group}`), scale)) : y;
      });
      return [tf.concat(parts.filter((_, group) => counts[group]! > 0))];
    },
  };
}

// Those of a token are far apart, so that a step of finite differences changes no choice.
const probabilities = [
  [0.5, 0.1, 0.3, 0.03, 0.07],
  [0.1, 0.3, 0.15, 0.42, 0.03],
  [0.05, 0.25, 0.5, 0.05, 0.15],
];
// By hand: choices 0 2 | 3 1 | 2 1, so that experts 0, 1, 2, 3, 4 have 1, 2, 2, 1, 0 slots: 0 | 3 5 | 1 4 | 2.
const chosen = [0, 2, 3, 1, 2, 1];
const places = [0, 3, 5, 1, 4, 2];
const rows = [0, 1, 2, 0, 2, 1];
const starts = [0, 1, 3, 5, 6, 6];

/** A token's rows by its choices, weighted by their probabilities. */
const routedCase: OpCase = {
  name: 'routeTokens and combineExperts, two of five experts',
  kernels: [kernels.routeTokens, kernels.combineExperts, kernels.combineExpertsGradient],
  inputs: {
    probabilities: { shape: [3, 5], data: Float32Array.from(probabilities.flat()) },
    outputs: host('outputs', [6, 19]),
  },
  run(t) {
    const of = t['probabilities'] as Tensor2D;
    const routes = routeTokens(of, 2);
    const weights = tf.reshape(tf.gather(tf.reshape(of, [15]), routes.cells), [3, 2]) as Tensor2D;
    const whole = [routes.chosen, routes.places, routes.rows, routes.starts].map((each) => tf.cast(each, 'float32'));
    return [...whole, combineExperts(t['outputs'] as Tensor2D, weights, routes.places)];
  },
  naive(t) {
    const [of, outputs] = [t['probabilities'] as Tensor2D, t['outputs'] as Tensor2D];
    const cells = chosen.map((expert, slot) => Math.floor(slot / 2) * 5 + expert);
    const weights = tf.gather(tf.reshape(of, [15]), tf.tensor1d(cells, 'int32'));
    const weighted = tf.mul(tf.gather(outputs, tf.tensor1d(places, 'int32')), tf.reshape(weights, [6, 1]));
    const whole = [chosen, places, rows, starts].map((each) => tf.tensor1d(each));
    return [...whole, tf.sum(tf.reshape(weighted, [3, 2, 19]), 1)];
  },
};

export const expertCases: readonly OpCase[] = [
  groupedCase('groups of unequal size, one of none', [3, 0, 5, 1], [6, 4], {}),
  groupedCase('low rank', [2, 4, 0], [6, 5], { rank: 2 }),
  groupedCase('low rank in some groups, frozen weights', [2, 4, 3], [6, 5], {
    rank: 3,
    plain: [1],
    frozen: ['weight0', 'weight1', 'weight2'],
  }),
  groupedCase('many groups, sizes beyond one vector', [5, 1, 0, 19, 3, 2, 7, 1, 1, 13], [67, 41], { rank: 8 }),
  routedCase,
];
