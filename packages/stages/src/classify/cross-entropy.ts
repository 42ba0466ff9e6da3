// SPDX-License-Identifier: Apache-2.0
import { tf, type Tensor1D, type Tensor2D } from '@llmf/nn';

interface ValueAndGradient {
  readonly value: tf.Tensor;
  readonly gradFunc: (dy: Tensor1D, saved: Tensor2D[]) => Tensor2D;
}
type Forward = (x: Tensor2D, save: (tensors: Tensor2D[]) => void) => ValueAndGradient;

const withGradient = (x: Tensor2D, forward: Forward): Tensor1D =>
  tf.customGrad(forward as unknown as Parameters<typeof tf.customGrad>[0])(x) as Tensor1D;

/**
 * −log softmax(z)_y of each row, exact for every z: log Σ_j e^(z_j − m) − (z_y − m), m the largest; its slope is
 * softmax(z) − 1_y.
 * @param logits [N, K] @param oneHot [N, K], 1 at each row's class
 */
export function crossEntropy(logits: Tensor2D, oneHot: Tensor2D): Tensor1D {
  return withGradient(logits, (z, save) => {
    const shifted = tf.sub<Tensor2D>(z, tf.max(z, 1, true));
    const exponentials = tf.exp(shifted);
    const total = tf.sum<Tensor2D>(exponentials, 1, true); // [N, 1]
    save([tf.sub<Tensor2D>(tf.div<Tensor2D>(exponentials, total), oneHot)]);
    const own = tf.sum<Tensor2D>(tf.mul(shifted, oneHot), 1, true);
    return {
      value: tf.reshape(tf.sub(tf.log(total), own), [-1]),
      gradFunc: (dy, [slope]) => tf.mul<Tensor2D>(tf.expandDims(dy, 1), slope!),
    };
  });
}

/**
 * −[t log σ(z) + (1 − t) log(1 − σ(z))], the mean over a row's labels, as torch's BCEWithLogitsLoss; the slope of each is
 * (σ(z) − t) / K.
 * @param logits [N, K] @param targets [N, K], 0 or 1
 */
export function binaryCrossEntropy(logits: Tensor2D, targets: Tensor2D): Tensor1D {
  const labels = logits.shape[1];
  return withGradient(logits, (z, save) => {
    save([tf.div<Tensor2D>(tf.sub(tf.sigmoid(z), targets), labels)]);
    const each = tf.add(tf.softplus(tf.neg(z)), tf.mul(z, tf.sub(1, targets)));
    return { value: tf.mean(each, 1), gradFunc: (dy, [slope]) => tf.mul<Tensor2D>(tf.expandDims(dy, 1), slope!) };
  });
}
