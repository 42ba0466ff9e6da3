// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { SampleTokensAttributes, TokenLists } from '../../contracts/ops.js';
import { tf } from '../../tf.js';
import { isInHostMemory } from '../host-memory.js';
import { normalizerOf, valueAt } from '../selected-log-probs/composite.js';
import { sample } from './host-sampling.js';

/** Log-probs by the very operations of selected log-probs; tokens on the host where logits lie there anyway. */
export function sampleTokensComposite(
  { logits }: { readonly logits: Tensor2D },
  attributes: SampleTokensAttributes,
): readonly [Tensor1D, Tensor1D] {
  const { logSumExp } = normalizerOf(logits); // [S]
  const chosen = isInHostMemory() ? chooseOnHost(logits, attributes) : chooseInKernels(logits, attributes);
  const ids = tf.where(tf.isFinite(logSumExp), chosen, noToken(logits.shape[0])) as Tensor1D;
  const logProb = tf.sub(valueAt(logits, tf.maximum(ids, tf.zerosLike(ids)) as Tensor1D), logSumExp) as Tensor1D;
  return [ids, logProb];
}

function chooseOnHost(logits: Tensor2D, { draws, seen, banned, ...options }: SampleTokensAttributes): Tensor1D {
  const [rows, vocabulary] = logits.shape;
  const values = logits.dataSync() as Float32Array;
  const ids = Int32Array.from({ length: rows }, (_, row) => {
    const given = values.subarray(row * vocabulary, (row + 1) * vocabulary);
    const bans = of(banned, row);
    const left = bans.length === 0 ? given : given.slice();
    for (const id of bans) left[id] = -Infinity;
    return sample(left, draws[row]!, options, of(seen, row)) ?? -1;
  });
  return tf.tensor1d(ids, 'int32');
}

const of = ({ starts, ids }: TokenLists, row: number): Int32Array => ids.subarray(starts[row], starts[row + 1]);

/** The same without a value read: what a GPU runs. */
function chooseInKernels(logits: Tensor2D, attributes: SampleTokensAttributes): Tensor1D {
  const { temperature, topK, topP, minP, draws } = attributes;
  const adjusted = adjust(logits, attributes); // [S, V]
  const largest = tf.max(adjusted, 1, true); // [S, 1]
  const best = tf.argMax(adjusted, 1) as Tensor1D;
  if (temperature === 0) return notBanned(best, largest);
  const weights = tf.exp(tf.div(tf.sub(adjusted, largest), temperature)) as Tensor2D; // [S, V], the likeliest has 1
  const limits = topK > 0 || topP < 1 || minP > 0;
  const ids = limits ? pickLikely(weights, draws, { topK, topP, minP }) : pick(weights, draws);
  return notBanned(ids, largest);
}

const notBanned = (ids: Tensor1D, largest: Tensor): Tensor1D =>
  tf.where(tf.greater(tf.reshape(largest, [ids.size]), -Infinity), ids, noToken(ids.size)) as Tensor1D;

const noToken = (rows: number): Tensor1D => tf.fill([rows], -1, 'int32');

/** The logits that are chosen from. */
function adjust(logits: Tensor2D, { seen, banned, repetitionPenalty }: SampleTokensAttributes): Tensor2D {
  let adjusted = logits;
  if (seen.ids.length > 0 && repetitionPenalty !== 1) {
    const penalized = tf.where(
      tf.less(adjusted, 0),
      tf.mul(adjusted, repetitionPenalty),
      tf.div(adjusted, repetitionPenalty),
    );
    adjusted = tf.where(maskOf(seen, logits.shape), penalized, adjusted) as Tensor2D;
  }
  if (banned.ids.length === 0) return adjusted;
  return tf.where(maskOf(banned, logits.shape), tf.fill(logits.shape, -Infinity), adjusted) as Tensor2D;
}

function maskOf(lists: TokenLists, [rows, vocabulary]: readonly [number, number]): Tensor {
  const mask = new Uint8Array(rows * vocabulary);
  for (let row = 0; row < rows; row++) for (const id of of(lists, row)) mask[row * vocabulary + id] = 1;
  return tf.tensor2d(mask, [rows, vocabulary], 'bool');
}

/** From the likeliest alone, which are sorted: of equal ones the lower id first. */
function pickLikely(
  weights: Tensor2D,
  draws: Float32Array,
  { topK, topP, minP }: { readonly topK: number; readonly topP: number; readonly minP: number },
): Tensor1D {
  const size = weights.shape[1];
  const { values, indices } = tf.topk(weights, topK > 0 ? Math.min(topK, size) : size) as {
    values: Tensor2D;
    indices: Tensor2D;
  };
  const before = tf.cumsum(tf.div(values, tf.sum(values, 1, true)), 1, true); // share of those ahead
  const isKept = tf.logicalAnd(tf.less(before, topP), tf.greaterEqual(values, minP));
  const places = pick(tf.mul(values, tf.cast(isKept, 'float32')), draws);
  return valueAt(indices, places);
}

/** Sums of this many weights are made first: a running sum of a whole vocabulary would lose the small ones. */
const blockSize = 512;

/** Where draws fall among the weights of each row [S, n], none of which is negative: [S] int32. */
function pick(weights: Tensor2D, draws: Float32Array): Tensor1D {
  const [rows, count] = weights.shape;
  const blocks = Math.ceil(count / blockSize);
  const padded = tf.reshape(
    tf.pad2d(weights, [
      [0, 0],
      [0, blocks * blockSize - count],
    ]),
    [rows, blocks, blockSize],
  );
  const sums = tf.sum(padded, 2) as Tensor2D; // [S, blocks]
  const drawn = tf.mul(tf.reshape(tf.tensor1d(draws), [rows, 1]), tf.sum(sums, 1, true)); // [S, 1]
  const block = placeOf(sums, drawn);
  const flat = tf.reshape(padded, [rows * blocks, blockSize]) as Tensor2D;
  const starts = tf.range(0, rows * blocks, blocks, 'int32');
  const chosen = tf.gather(flat, tf.add(starts, block.place) as Tensor1D) as Tensor2D; // [S, blockSize]
  const within = placeOf(chosen, tf.sub(drawn, block.before));
  return tf.add(tf.mul(block.place, tf.scalar(blockSize, 'int32')), within.place) as Tensor1D;
}

/** The first place whose running sum exceeds `target` [S, 1], at most the last with a weight; and the sum before it. */
function placeOf(weights: Tensor2D, target: Tensor): { place: Tensor1D; before: Tensor } {
  const sums = tf.cumsum(weights, 1); // [S, n]
  const total = tf.max(sums, 1, true);
  const isPassed = tf.cast(tf.logicalAnd(tf.lessEqual(sums, target), tf.less(sums, total)), 'float32');
  const place = tf.cast(tf.sum(isPassed, 1), 'int32') as Tensor1D;
  return { place, before: tf.max(tf.mul(sums, isPassed), 1, true) };
}
