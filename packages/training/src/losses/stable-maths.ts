// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D } from '@llmf/nn';
import { tf } from '@llmf/nn';
import { withGradient } from './with-gradient.js';

/** Exponents beyond this give e^40 and no gradient: squares and products of such values still fit float32. */
const largestExponent = 40;
/** Closest to 0 that a log-probability is taken for: float32 has no probability between 1 and e^this. */
const nearestZero = -1e-7;

/**
 * log σ(x), exact to rounding for every x; never write `log(sigmoid(x))`. Not `tf.logSigmoid`, whose gradient reads its
 * input long after the forward pass freed it.
 */
export function logSigmoid(x: Tensor1D): Tensor1D {
  return withGradient(x, (given, save) => {
    save([given]);
    return {
      value: tf.neg(tf.softplus(tf.neg(given))),
      gradFunc: (dy, [saved]) => tf.mul(dy, tf.sigmoid(tf.neg(saved!))),
    };
  });
}

/** e^x, for exponents that data can make arbitrarily large. */
export const boundedExp = (x: Tensor1D): Tensor1D => tf.exp(tf.minimum<Tensor1D>(x, largestExponent));

/** e^x − 1 without cancellation near 0, for exponents that data can make arbitrarily large. */
export const boundedExpm1 = (x: Tensor1D): Tensor1D => tf.expm1(tf.minimum<Tensor1D>(x, largestExponent));

/**
 * log(1 − e^x) for log-probabilities x ≤ 0: two branches that meet at −ln 2, so that neither cancels (Mächler, "Accurately
 * computing log(1 − exp(−|a|))", 2012). x = 0 counts as −1e-7, with the slope it has there, so that it stays finite.
 */
export function log1mExp(x: Tensor1D): Tensor1D {
  return withGradient(x, (given, save) => {
    const logProb = tf.minimum<Tensor1D>(given, nearestZero);
    save([logProb]);
    const small = tf.log1p(tf.neg(tf.exp(logProb)));
    const large = tf.log(tf.neg(tf.expm1(logProb)));
    return {
      value: tf.where(tf.less(logProb, -Math.LN2), small, large),
      // d/dx log(1 − e^x) = −1 / (e^−x − 1)
      gradFunc: (dy, [saved]) => tf.neg(tf.div(dy, tf.expm1(tf.neg(saved!)))),
    };
  });
}

/** The same values as a constant: no gradient flows through. */
export function stopGradient(x: Tensor1D): Tensor1D {
  return withGradient(x, (given) => ({ value: tf.clone(given), gradFunc: (dy) => tf.zerosLike(dy) }));
}
