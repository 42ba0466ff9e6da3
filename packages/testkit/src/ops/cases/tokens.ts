// SPDX-License-Identifier: Apache-2.0
import {
  embedding,
  kernels,
  segmentSum,
  selectedLogProbs,
  tf,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@llmf/nn';
import { host, type OpCase } from '../op-case.js';

function embeddingCase(name: string, vocabulary: number, width: number, ids: readonly number[]): OpCase {
  return {
    name: `embedding, ${name}`,
    kernels: [kernels.embedding, kernels.embeddingGradient],
    inputs: { table: host('table', [vocabulary, width]) },
    run: ({ table }) => [embedding(Int32Array.from(ids), table as Tensor2D)],
    naive: ({ table }) => [oneHot(ids, table!)],
  };
}

/** Rows of a matrix as a product with one-hot rows. */
function oneHot(rows: readonly number[], of: Tensor): Tensor {
  const places = new Float32Array(rows.length * of.shape[0]!);
  for (const [place, row] of rows.entries()) places[place * of.shape[0]! + row] = 1;
  return tf.matMul(tf.tensor2d(places, [rows.length, of.shape[0]!], 'float32'), of as Tensor2D);
}

function segmentSumCase(name: string, response: readonly number[], count: number): OpCase {
  return {
    name: `segmentSum, ${name}`,
    kernels: [kernels.segmentSum],
    inputs: { values: host('values', [response.length]) },
    run: ({ values }) => [segmentSum(values as Tensor1D, Int32Array.from(response), count)],
    naive: ({ values }) => {
      const belongs = Array.from({ length: count }, (_, r) => response.map((other) => (other === r ? 1 : 0)));
      const rows = tf.tensor2d(belongs.flat(), [count, response.length], 'float32');
      return [tf.sum(tf.mul(rows, values!), 1)];
    },
  };
}

interface Scoring {
  readonly tokens: number;
  readonly width: number;
  readonly vocabulary: number;
  readonly rows: readonly number[];
  readonly targets: readonly number[];
  readonly bias?: boolean;
  readonly entropy?: boolean;
  readonly squared?: boolean;
  readonly softCap?: number;
  readonly temperature?: number;
  readonly frozen?: readonly string[];
  readonly spread?: number;
  /** The loss sees this statistic alone. */
  readonly only?: 'entropy' | 'squared';
}

function scoringCase(name: string, scoring: Scoring): OpCase {
  const { tokens, width, vocabulary, rows, targets, bias = false, entropy = false, squared = false } = scoring;
  const { softCap, temperature = 1, frozen = [], spread = 1, only } = scoring;
  // Places of the log-prob and the statistics among the outputs.
  const seen = (outputs: Tensor[]) => (only === undefined ? outputs : outputs.slice(1));
  return {
    name: `selectedLogProbs, ${name}`,
    kernels:
      frozen.includes('head') && !entropy && !squared
        ? [kernels.selectedLogProbsSlope]
        : [kernels.selectedLogProbs, kernels.selectedLogProbsGradient],
    frozen,
    inputs: {
      hidden: host('hidden', [tokens, width], spread),
      head: host('head', [vocabulary, width]),
      ...(bias ? { bias: host('bias', [vocabulary]) } : {}),
    },
    run: (t) => {
      const given = selectedLogProbs(
        t['hidden'] as Tensor2D,
        t['head'] as Tensor2D,
        Int32Array.from(rows),
        Int32Array.from(targets),
        { bias: t['bias'] as Tensor1D | undefined, entropy, squared, softCap, temperature },
      );
      return seen(
        [given.logProb, given.entropy, given.logSumSquaredProbabilities].filter((value) => value !== undefined),
      );
    },
    naive: (t) => {
      const plain = tf.matMul(oneHot(rows, t['hidden']!) as Tensor2D, tf.transpose(t['head'] as Tensor2D));
      const biased = bias ? tf.add(plain, t['bias']!) : plain;
      const capped = softCap === undefined ? biased : tf.mul(tf.tanh(tf.div(biased, softCap)), softCap);
      const logits = tf.div(capped, temperature);
      const logP = tf.logSoftmax(logits);
      const chosen = new Float32Array(rows.length * vocabulary);
      for (const [row, target] of targets.entries()) chosen[row * vocabulary + target] = 1;
      return seen([
        tf.sum(tf.mul(logP, tf.tensor2d(chosen, [rows.length, vocabulary], 'float32')), 1),
        ...(entropy ? [tf.neg(tf.sum(tf.mul(tf.exp(logP), logP), 1))] : []),
        ...(squared ? [tf.logSumExp(tf.mul(logP, 2), 1)] : []),
      ]);
    },
  };
}

const small = { tokens: 4, width: 3, vocabulary: 7, rows: [0, 2, 3], targets: [6, 0, 3] } as const;

export const tokenCases: readonly OpCase[] = [
  embeddingCase('repeated ids', 5, 3, [4, 0, 4, 2]),
  embeddingCase('one id', 3, 4, [1]),
  embeddingCase('no ids', 3, 4, []),
  segmentSumCase('ragged, one response empty', [0, 0, 0, 2, 3, 3], 4),
  segmentSumCase('one value', [0], 1),
  segmentSumCase('no values', [], 2),
  scoringCase('log-probs alone', small),
  scoringCase('a row that serves two answers', { ...small, rows: [1, 1, 3], targets: [2, 5, 0] }),
  scoringCase('bias', { ...small, bias: true }),
  scoringCase('entropy', { ...small, entropy: true }),
  scoringCase('log Σp²', { ...small, squared: true }),
  scoringCase('all three, with bias and temperature', {
    ...small,
    bias: true,
    entropy: true,
    squared: true,
    temperature: 0.7,
  }),
  scoringCase('a soft cap', { ...small, spread: 2, softCap: 1.5 }),
  scoringCase('a soft cap, all three, with bias and temperature', {
    ...small,
    bias: true,
    entropy: true,
    squared: true,
    softCap: 1.1,
    temperature: 0.7,
  }),
  scoringCase('a soft cap, frozen head, bias and temperature', {
    ...small,
    rows: [1, 1, 3],
    bias: true,
    softCap: 0.9,
    temperature: 0.7,
    frozen: ['head', 'bias'],
  }),
  scoringCase('a soft cap, frozen head, logits far beyond it', {
    ...small,
    spread: 30,
    softCap: 3,
    frozen: ['head'],
  }),
  scoringCase('a soft cap, frozen head, a vocabulary of several parts', {
    tokens: 9,
    width: 19,
    vocabulary: 5003,
    rows: [8, 0, 4],
    targets: [5002, 1, 4097],
    softCap: 2,
    frozen: ['head'],
  }),
  scoringCase('a loss of the entropy alone', { ...small, entropy: true, only: 'entropy' }),
  scoringCase('a loss of log Σp² alone', { ...small, squared: true, only: 'squared' }),
  scoringCase('frozen head', { ...small, entropy: true, frozen: ['head'] }),
  scoringCase('frozen head, log-probs alone', { ...small, frozen: ['head'] }),
  scoringCase('frozen head, log-probs alone, a row that serves two answers, bias and temperature', {
    ...small,
    rows: [1, 1, 3],
    bias: true,
    temperature: 0.7,
    frozen: ['head', 'bias'],
  }),
  scoringCase('frozen head, log-probs alone, large logits', { ...small, spread: 30, frozen: ['head'] }),
  scoringCase('frozen head, log-probs alone, a vocabulary of several parts', {
    tokens: 9,
    width: 19,
    vocabulary: 5003,
    rows: [8, 0, 4],
    targets: [5002, 1, 4097],
    frozen: ['head'],
  }),
  scoringCase('frozen hidden states', { ...small, frozen: ['hidden'] }),
  scoringCase('large logits', { ...small, spread: 30, entropy: true, squared: true }),
  scoringCase('no rows', { ...small, rows: [], targets: [], entropy: true, squared: true }),
  scoringCase('a vocabulary beyond one vector', {
    tokens: 9,
    width: 19,
    vocabulary: 131,
    rows: [8, 0, 4],
    targets: [130, 1, 77],
  }),
].map((one) =>
  one.name.endsWith('large logits') ? { ...one, skipFiniteDifferences: 'the softmax is a step here' } : one,
);
