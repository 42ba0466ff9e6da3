// SPDX-License-Identifier: Apache-2.0
import { uniforms, type RandomKey } from '@llmf/core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { LowRank } from '../../contracts/low-rank.js';
import { tf } from '../../tf.js';
import { checkShape } from '../checks.js';
import { linearOp } from './gradient.js';

/** Where a dropout mask comes from: same key and site (the layer's path), same mask. */
export interface DropoutKey {
  readonly key: RandomKey;
  readonly site: string;
  /** Row of the whole mask at which this one begins; default 0. */
  readonly firstRow?: number;
}

export interface LinearOptions {
  readonly bias?: Tensor1D | null | undefined; // [N]
  readonly lowRank?: LowRank | null | undefined;
  /** Present while training: the low-rank path drops inputs with its probability. */
  readonly dropoutKey?: DropoutKey | undefined;
}

/**
 * y = x Wᵀ + bias + scale · (dropout(x) Aᵀ) Bᵀ: x [T, K], weight [N, K] → [T, N].
 *
 * @throws LLMF_NN_SHAPE
 */
export function linear(x: Tensor2D, weight: Tensor2D, options: LinearOptions = {}): Tensor2D {
  const { bias, lowRank, dropoutKey } = options;
  checkShape('linear', 'x', x, [null, null], '[rows, inputs]');
  const [rows, inputs] = x.shape;
  checkShape('linear', 'weight', weight, [null, inputs], `[outputs, ${inputs}]`);
  const outputs = weight.shape[0];
  if (bias) checkShape('linear', 'bias', bias, [outputs], `[${outputs}]`);
  if (!lowRank) return linearOp({ x, weight, bias: bias ?? undefined }, { scale: 0, keeps: false })[0]!;
  const { a, b, scale, dropout } = lowRank;
  checkShape('linear', 'lowRank.a', a, [null, inputs], `[rank, ${inputs}]`);
  checkShape('linear', 'lowRank.b', b, [outputs, a.shape[0]!], `[${outputs}, ${a.shape[0]}]`);
  return tf.tidy(() => {
    const mask = dropoutKey === undefined || dropout === 0 ? undefined : dropoutMask(dropoutKey, rows, inputs, dropout);
    return linearOp(
      { x, weight, bias: bias ?? undefined, a: a as unknown as Tensor2D, b: b as unknown as Tensor2D, mask },
      { scale, keeps: tf.engine().isTapeOn() },
    )[0]!;
  });
}

/**
 * x [T, K] as the low-rank path of a layer sees it while training: the same values dropped as `linear` drops with that
 * key. Itself where nothing is to be dropped.
 */
export function dropped(x: Tensor2D, probability: number, from: DropoutKey | undefined): Tensor2D {
  if (from === undefined || probability === 0) return x;
  return tf.mul(x, dropoutMask(from, ...x.shape, probability));
}

/** 0 with probability p, else 1/(1 − p): [rows, inputs]. */
function dropoutMask(from: DropoutKey, rows: number, inputs: number, probability: number): Tensor2D {
  const { key, site, firstRow = 0 } = from;
  const keep = 1 / (1 - probability);
  const values = uniforms(key, site, rows * inputs, firstRow * inputs).map((draw) => (draw < probability ? 0 : keep));
  return tf.tensor2d(values, [rows, inputs], 'float32');
}
