// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { tf } from '../tf.js';
import {
  attention,
  embedding,
  layerNorm,
  linear,
  rmsNorm,
  rope,
  segmentSum,
  selectedLogProbs,
  swiglu,
} from './index.js';

const matrix = (rows: number, columns: number) => tf.zeros([rows, columns]) as Tensor2D;
const vector = (size: number) => tf.zeros([size]) as Tensor1D;
const cube = (...shape: [number, number, number]) => tf.zeros(shape) as Tensor3D;
const lowRank = (a: Tensor2D, b: Tensor2D) => ({ lowRank: { a, b, scale: 1, dropout: 0 } as never });
const ids = (...values: number[]) => Int32Array.from(values);

describe('ops refuse inputs that do not fit, saying which, what came and what was expected', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'linear: a weight of other inputs',
      () => linear(matrix(2, 3), matrix(4, 5)),
      /LLMF_NN_SHAPE: linear: weight has the wrong shape\n {2}got: \[4, 5\]\n {2}expected: \[outputs, 3\]/,
    ],
    [
      'linear: x of one dimension',
      () => linear(vector(3) as never, matrix(4, 3)),
      /linear: x .*\n {2}got: \[3\]\n {2}expected: \[rows, inputs\]/,
    ],
    [
      'linear: a bias of another size',
      () => linear(matrix(2, 3), matrix(4, 3), { bias: vector(3) }),
      /linear: bias .*\n {2}got: \[3\]\n {2}expected: \[4\]/,
    ],
    [
      'linear: A of other inputs',
      () => linear(matrix(2, 3), matrix(4, 3), lowRank(matrix(2, 4), matrix(4, 2))),
      /linear: lowRank\.a/,
    ],
    [
      'linear: B of another rank',
      () => linear(matrix(2, 3), matrix(4, 3), lowRank(matrix(2, 3), matrix(4, 3))),
      /linear: lowRank\.b .*\n {2}got: \[4, 3\]\n {2}expected: \[4, 2\]/,
    ],
    [
      'rmsNorm: a weight of another size',
      () => rmsNorm(matrix(2, 3), vector(2), 1e-6),
      /rmsNorm: weight .*\n {2}got: \[2\]\n {2}expected: \[3\], the last axis of x/,
    ],
    [
      'layerNorm: a weight of another size',
      () => layerNorm(matrix(2, 3), vector(2), vector(3), 1e-6),
      /layerNorm: weight/,
    ],
    ['layerNorm: a bias of another size', () => layerNorm(matrix(2, 3), vector(3), vector(2), 1e-6), /layerNorm: bias/],
    [
      'swiglu: gate and up of different shapes',
      () => swiglu(matrix(2, 3), matrix(2, 4)),
      /swiglu: up .*\n {2}got: \[2, 4\]\n {2}expected: \[2, 3\]/,
    ],
    [
      'rope: tables for other tokens',
      () => rope(cube(3, 1, 4), matrix(2, 2), matrix(2, 2)),
      /rope: cos .*\n {2}got: \[2, 2\]\n {2}expected: \[3, rotated \/ 2\]/,
    ],
    ['rope: sin of another shape', () => rope(cube(2, 1, 4), matrix(2, 2), matrix(2, 1)), /rope: sin/],
    [
      'rope: more columns than half a head',
      () => rope(cube(2, 1, 4), matrix(2, 3), matrix(2, 3)),
      /rope: cos .*\n.*\n {2}expected: at most 2 columns/,
    ],
    [
      'embedding: an id beyond the table',
      () => embedding(ids(0, 5), matrix(5, 2)),
      /LLMF_NN_INDEX: embedding: ids\[1\] is out of range\n {2}got: 5\n {2}expected: an integer from 0 to 4/,
    ],
    ['embedding: a negative id', () => embedding(ids(-1), matrix(5, 2)), /ids\[0\]/],
    [
      'embedding: ids that are floats',
      () => embedding(vector(2), matrix(5, 2)),
      /LLMF_NN_SHAPE: embedding: ids .*\n.*\n {2}expected: an Int32Array or an int32 tensor/,
    ],
    [
      'selectedLogProbs: a row beyond the tokens',
      () => selectedLogProbs(matrix(2, 3), matrix(5, 3), ids(2), ids(0)),
      /selectedLogProbs: rows\[0\]/,
    ],
    [
      'selectedLogProbs: a target beyond the vocabulary',
      () => selectedLogProbs(matrix(2, 3), matrix(5, 3), ids(1), ids(5)),
      /selectedLogProbs: targets\[0\]/,
    ],
    [
      'selectedLogProbs: fewer targets than rows',
      () => selectedLogProbs(matrix(2, 3), matrix(5, 3), ids(1, 0), ids(1)),
      /selectedLogProbs: targets .*\n {2}got: \[1\]\n {2}expected: \[2\], one per row/,
    ],
    [
      'selectedLogProbs: a head of another width',
      () => selectedLogProbs(matrix(2, 3), matrix(5, 4), ids(1), ids(1)),
      /selectedLogProbs: head/,
    ],
    [
      'selectedLogProbs: a bias of another size',
      () => selectedLogProbs(matrix(2, 3), matrix(5, 3), ids(1), ids(1), { bias: vector(4) }),
      /selectedLogProbs: bias/,
    ],
    [
      'selectedLogProbs: temperature 0',
      () => selectedLogProbs(matrix(2, 3), matrix(5, 3), ids(1), ids(1), { temperature: 0 }),
      /LLMF_NN_VALUE: selectedLogProbs: temperature/,
    ],
    [
      'selectedLogProbs: a negative soft cap',
      () => selectedLogProbs(matrix(2, 3), matrix(5, 3), ids(1), ids(1), { softCap: -30 }),
      /LLMF_NN_VALUE: selectedLogProbs: softCap .*\n {2}got: -30/,
    ],
    [
      'attention: a soft cap that is no number',
      () => attention(cube(2, 1, 4), cube(2, 1, 4), cube(2, 1, 4), { spans: [], softCap: NaN }),
      /LLMF_NN_VALUE: attention: softCap .*\n {2}got: NaN/,
    ],
    [
      'segmentSum: fewer values than entries',
      () => segmentSum(vector(2), ids(0, 0, 1), 2),
      /segmentSum: values .*\n {2}got: \[2\]\n {2}expected: \[3\]/,
    ],
    ['segmentSum: a response beyond the count', () => segmentSum(vector(2), ids(0, 2), 2), /segmentSum: response\[1\]/],
    [
      'segmentSum: responses that descend',
      () => segmentSum(vector(2), ids(1, 0), 2),
      /LLMF_NN_VALUE: segmentSum: response .*\n {2}got: 0 after 1 at 1/,
    ],
  ])('%s', (_name, run, message) => {
    tf.tidy(() => {
      expect(run).toThrow(message);
    });
  });

  it('and leave no tensor behind', () => {
    const [table, before] = [matrix(5, 2), tf.memory().numTensors];
    expect(() => embedding(ids(0, 5), table)).toThrow();
    expect(tf.memory().numTensors).toBe(before);
    table.dispose();
  });
});

describe('ops take whole numbers as tensors too', () => {
  it('with the same result', () => {
    tf.tidy(() => {
      const table = tf.randomNormal([5, 2], 0, 1, 'float32', 1) as Tensor2D;
      expect(embedding(tf.tensor1d([3, 0], 'int32'), table).dataSync()).toEqual(embedding(ids(3, 0), table).dataSync());
    });
  });
});
