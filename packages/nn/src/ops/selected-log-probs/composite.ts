// SPDX-License-Identifier: Apache-2.0
/**
 * With z = cap(h Wᵀ + b) / temperature for each selected row, L = log Σ exp z, p = exp(z − L):
 *   logProb = z_target − L,   entropy H = L − Σ p z,   log-sum-squared Q = log Σ p² = log Σ exp 2z − 2L.
 * cap(z) = c · tanh(z / c) where there is a soft cap c, else z. Gradients by z: 1[target] − p;  −p (z − L + H);  2 (p² / Σp² − p). All in chunks of rows, so that the logits of a
 * whole batch never exist.
 */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { softCapped, softCapSlope } from '../soft-cap.js';
import { sumOfRows } from '../sum-of-rows.js';
import { timesTransposed, transposedTimes } from '../products.js';
import { scatterRows } from '../embedding/scatter-rows.js';

/** T tokens, C hidden size, V vocabulary, S selected rows. */
export interface SelectedLogProbsInputs {
  readonly hidden: Tensor2D; // [T, C]
  readonly head: Tensor2D; // [V, C]
  readonly bias?: Tensor1D | undefined; // [V]
  readonly rows: Tensor1D; // [S] int32
  readonly targets: Tensor1D; // [S] int32
}
/** What logits are, besides h Wᵀ + b. */
export interface LogitForm {
  /** 0: none. */
  readonly softCap: number;
  readonly temperature: number;
}
export interface SelectedLogProbsAttributes extends LogitForm {
  /** Something will be differentiated. */
  readonly keeps: boolean;
  readonly entropy: boolean;
  readonly squared: boolean;
}
export interface SelectedLogProbsGradientInputs extends SelectedLogProbsInputs {
  readonly dLogProb?: Tensor1D | undefined; // [S]
  readonly dEntropy?: Tensor1D | undefined; // [S]
  readonly dSquared?: Tensor1D | undefined; // [S]
  readonly logProb: Tensor1D; // [S]
  readonly logSumExp: Tensor1D; // [S]
  /** What a backend kept of the logits; composites keep nothing. */
  readonly kept?: Tensor2D | undefined;
  readonly entropy?: Tensor1D | undefined; // [S]
  readonly squared?: Tensor1D | undefined; // [S]
}

/** Bytes of logits alive at a time; a few tensors of this size exist while a chunk is worked on. */
const chunkBytes = 32 * 1024 * 1024;

/** logProb, logSumExp, entropy, log Σp², and what a backend may keep for the gradient. */
export type Outputs = readonly [Tensor1D, Tensor1D, Tensor1D, Tensor1D, ...Tensor2D[]];

export function selectedLogProbsComposite(
  { hidden, head, bias, rows, targets }: SelectedLogProbsInputs,
  { entropy, squared, ...form }: Omit<SelectedLogProbsAttributes, 'keeps'>,
): Outputs {
  const selected = tf.gather(hidden, rows); // [S, C]
  const parts = chunks(rows.size, head.shape[0]).map(([start, count]) =>
    tf.tidy(() => {
      const z = logits(part(selected, start, count), head, bias, form); // [s, V]
      const { exponentials, total, logSumExp } = normalizerOf(z);
      const none = tf.zeros([0]) as Tensor1D;
      return {
        logProb: tf.sub(valueAt(z, part(targets, start, count)), logSumExp) as Tensor1D,
        logSumExp,
        entropy: entropy ? (tf.sub(logSumExp, tf.div(tf.sum(tf.mul(exponentials, z), 1), total)) as Tensor1D) : none,
        squared: squared
          ? (tf.sub(tf.log(tf.sum(tf.square(exponentials), 1)), tf.mul(tf.log(total), 2)) as Tensor1D)
          : none,
      };
    }),
  );
  const joined = (name: keyof (typeof parts)[number]) => join(parts.map((values) => values[name])) as Tensor1D;
  return [joined('logProb'), joined('logSumExp'), joined('entropy'), joined('squared')];
}

/** L = log Σ exp z of each row of z [s, V], and what it is made of. */
export function normalizerOf(z: Tensor2D): { exponentials: Tensor; total: Tensor; logSumExp: Tensor1D } {
  const max = tf.max(z, 1, true); // [s, 1]
  const exponentials = tf.exp(tf.sub(z, max)); // [s, V]
  const total = tf.sum(exponentials, 1); // [s]
  const logSumExp = tf.add(tf.log(total), tf.reshape(max, [z.shape[0]])) as Tensor1D;
  return { exponentials, total, logSumExp };
}

export function selectedLogProbsSlopeComposite(
  inputs: SelectedLogProbsInputs,
  form: LogitForm,
): readonly [Tensor1D, Tensor2D] {
  const [logProb, logSumExp] = selectedLogProbsComposite(inputs, { entropy: false, squared: false, ...form });
  const { hidden, head, rows } = inputs;
  const selected = tf.gather(hidden, rows); // [S, C]
  const ones = tf.ones([rows.size]) as Tensor1D;
  const slopes = chunks(rows.size, head.shape[0]).map(([start, count]) =>
    tf.tidy(() => {
      const h = part(selected, start, count);
      const byLogits = logitGradient({ ...inputs, dLogProb: ones, logProb, logSumExp }, h, start, count, form);
      return tf.div(tf.matMul(byLogits as Tensor2D, head), form.temperature);
    }),
  );
  return [logProb, join(slopes) as Tensor2D];
}

export function selectedLogProbsGradientComposite(
  inputs: SelectedLogProbsGradientInputs,
  { wantsHead, ...form }: LogitForm & { readonly wantsHead: boolean },
): readonly [Tensor2D, Tensor2D, Tensor1D] {
  const { hidden, head, bias, rows } = inputs;
  const selected = tf.gather(hidden, rows); // [S, C]
  let dHead: Tensor | null = null;
  let dBias: Tensor | null = null;
  const dSelected = chunks(rows.size, head.shape[0]).map(([start, count]) => {
    const [ofHidden, ofHead, ofBias] = tf.tidy((): [Tensor, ...Tensor[]] => {
      const h = part(selected, start, count);
      const byLogits = logitGradient(inputs, h, start, count, form);
      const dz = (form.temperature === 1 ? byLogits : tf.div(byLogits, form.temperature)) as Tensor2D; // [s, V]
      return [
        tf.matMul(dz, head),
        ...(wantsHead ? [transposedTimes(dz, h)] : []),
        ...(wantsHead && bias !== undefined ? [sumOfRows(dz)] : []),
      ];
    });
    dHead = addTo(dHead, ofHead);
    dBias = addTo(dBias, ofBias);
    return ofHidden;
  });
  const none = () => tf.zeros([0]);
  return [
    scatterRows(join(dSelected) as Tensor2D, rows, hidden.shape[0]),
    (dHead ?? none()) as Tensor2D,
    (dBias ?? none()) as Tensor1D,
  ];
}

/** Gradient of the loss by z · temperature before the cap, times the temperature, for rows [start, start + count): [s, V]. */
function logitGradient(
  inputs: SelectedLogProbsGradientInputs,
  selected: Tensor2D,
  start: number,
  count: number,
  form: LogitForm,
): Tensor {
  const { head, bias, targets, dLogProb, dEntropy, dSquared, logSumExp, entropy, squared } = inputs;
  const column = (values: Tensor1D) => tf.reshape(part(values, start, count), [count, 1]);
  const z = logits(selected, head, bias, form); // [s, V]
  const logP = tf.sub(z, column(logSumExp));
  const p = tf.exp(logP);
  const terms: Tensor[] = [];
  if (dLogProb !== undefined) {
    const isTarget = tf.cast(tf.oneHot(part(targets, start, count), head.shape[0]), 'float32');
    terms.push(tf.mul(tf.sub(isTarget, p), column(dLogProb)));
  }
  if (dEntropy !== undefined) {
    terms.push(tf.mul(tf.mul(p, tf.add(logP, column(entropy!))), tf.neg(column(dEntropy))));
  }
  if (dSquared !== undefined) {
    const share = tf.exp(tf.sub(tf.mul(logP, 2), column(squared!))); // p² / Σp²
    terms.push(tf.mul(tf.sub(share, p), tf.mul(column(dSquared), 2)));
  }
  const byCapped = terms.reduce((sum, term) => tf.add(sum, term));
  const { softCap, temperature } = form;
  return softCap === 0 ? byCapped : tf.mul(byCapped, softCapSlope(z, softCap / temperature));
}

function logits(
  selected: Tensor2D,
  head: Tensor2D,
  bias: Tensor1D | undefined,
  { softCap, temperature }: LogitForm,
): Tensor2D {
  const plain: Tensor = timesTransposed(selected, head); // [s, V]
  const capped = softCapped(bias === undefined ? plain : tf.add(plain, bias), softCap);
  return (temperature === 1 ? capped : tf.div(capped, temperature)) as Tensor2D;
}

/** z[i, targets[i]], by flat places. */
export function valueAt(z: Tensor2D, targets: Tensor1D): Tensor1D {
  const [rows, vocabulary] = z.shape;
  const starts = tf.tensor1d(
    Int32Array.from({ length: rows }, (_, row) => row * vocabulary),
    'int32',
  );
  return tf.gather(tf.reshape(z, [z.size]), tf.add(starts, targets) as Tensor1D) as Tensor1D;
}

function chunks(rows: number, vocabulary: number): [start: number, count: number][] {
  const size = Math.max(1, Math.floor(chunkBytes / (4 * vocabulary)));
  return Array.from({ length: Math.ceil(rows / size) }, (_, i) => [i * size, Math.min(size, rows - i * size)]);
}

function part<X extends Tensor>(x: X, start: number, count: number): X {
  if (start === 0 && count === x.shape[0]) return x;
  const rest = x.shape.slice(1);
  return tf.slice(x, [start, ...rest.map(() => 0)], [count, ...rest]) as X;
}

const join = (parts: readonly Tensor[]): Tensor => (parts.length === 1 ? parts[0]! : tf.concat([...parts], 0));

function addTo(sum: Tensor | null, value: Tensor | undefined): Tensor | null {
  if (sum === null || value === undefined) return value ?? sum;
  return tf.add(sum, value);
}
