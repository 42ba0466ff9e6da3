// SPDX-License-Identifier: Apache-2.0
import type { Scalar, Tensor, TensorContainer, Variable } from '@tensorflow/tfjs-core';
import { errors } from '../errors.js';
import { tf } from '../tf.js';
import { refusingExpansion } from '../weights/expansion.js';
import { reverse } from './reverse.js';
import { currentTape, Tape } from './tape.js';

/** Gets a variable's complete gradient, [as the variable], and owns it. */
export type GradientSink = (variable: Variable, gradient: Tensor) => void;

/**
 * Runs `forward` and the reverse pass of its `loss`.
 *
 * - Gradients reach `sink` while the pass walks back, each variable at most once, in an order that follows from the
 *   forward pass alone; a variable the loss does not depend on is not mentioned.
 * - Activations and inner gradients are freed on the way; nothing but the result and what `sink` got is left.
 * - Whatever else `forward` returns (metrics, log-probs) stays alive and is, like `loss`, the caller's to dispose (or
 *   the surrounding `tf.tidy`'s).
 *
 * @param variables those to differentiate for; others are constants
 * @throws LLMF_NN_LOSS_NOT_SCALAR, LLMF_NN_NO_GRADIENT, LLMF_NN_NESTED_PASS, LLMF_NN_PACKED_EXPANDED
 */
export function valueAndGradients<T extends { readonly loss: Scalar }>(
  forward: () => T,
  variables: Iterable<Variable>,
  sink: GradientSink,
): T {
  return refusingExpansion(() => recordedPass(forward, variables, sink));
}

function recordedPass<T extends { readonly loss: Scalar }>(
  forward: () => T,
  variables: Iterable<Variable>,
  sink: GradientSink,
): T {
  if (currentTape() !== null) throw errors.nestedPass(undefined);
  const tape = new Tape(variables);
  const result = tape.run(() => tf.tidy('pass', () => forward() as T & TensorContainer));
  try {
    if (result.loss.rank !== 0) throw errors.lossNotScalar({ got: result.loss.shape });
    if (tape.needs(result.loss)) {
      reverse(tape, result.loss, tf.onesLike(result.loss), (leaf, gradient) => sink(leaf as Variable, gradient));
    }
    return result;
  } catch (error) {
    tf.dispose(result as TensorContainer);
    throw error;
  } finally {
    tape.dispose();
  }
}
