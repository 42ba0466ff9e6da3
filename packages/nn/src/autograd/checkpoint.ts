// SPDX-License-Identifier: Apache-2.0
/**
 * Gradient checkpointing: Chen et al., "Training deep nets with sublinear memory cost", 2016, section 4: a block keeps
 * its input only and is computed again when the reverse pass reaches it.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { tf } from '../tf.js';
import { reverse } from './reverse.js';
import { currentTape, Tape, withoutTape } from './tape.js';

/**
 * `block(x)`, recomputed in the reverse pass instead of kept. The block may use variables by closure; it must be a pure
 * function of `x` and them (random numbers keyed by a counter), and any other tensor it uses must outlive the reverse
 * pass or be made within the block. The gradients are the same bits as without, as long as
 * neither `x` nor a variable of the block is used again outside of it (else their sums may round differently).
 *
 * Outside of a recorded pass, and within another checkpointed block's first pass, it is simply `block(x)`.
 */
export function checkpoint<X extends Tensor, Y extends Tensor>(block: (x: X) => Y, x: X): Y {
  const tape = currentTape();
  if (tape === null || tape.mode === 'observe') return block(x);
  const first = new Tape([x, ...tape.allLeaves], 'observe');
  const y = first.run(() => tf.tidy(() => block(x)));
  if (y.id === x.id) return y;
  const variables = [...first.used.values()].filter((leaf) => leaf.id !== x.id);
  if (variables.length === 0 && !tape.needs(x)) return y;
  const saved = tf.keep(withoutTape(() => tf.clone(x)));
  const inputs = Object.fromEntries([x, ...variables].map((tensor, index) => [String(index), tensor]));
  tape.record({
    kernelName: 'LlmfCheckpoint',
    inputs,
    outputs: [y],
    saved: [saved],
    gradient: ([dy], wants) => again(block, saved, variables, dy!, wants),
  });
  return y;
}

/** Second forward pass over the kept input, then its own reverse pass, whose results are the block's gradients. */
function again<X extends Tensor>(
  block: (x: X) => Tensor,
  x: X,
  variables: readonly Tensor[],
  dy: Tensor,
  wants: ReadonlySet<string>,
): Record<string, () => Tensor> {
  const places = new Map([x, ...variables].map((tensor, index) => [tensor.id, String(index)]));
  const gradients: Record<string, () => Tensor> = {};
  const tape = new Tape(wants.has('0') ? [x, ...variables] : variables);
  const y = tape.run(() => tf.tidy(() => block(x)));
  try {
    reverse(tape, y, tf.clone(dy), (leaf, gradient) => {
      gradients[places.get(leaf.id)!] = () => gradient;
    });
  } catch (error) {
    for (const gradient of Object.values(gradients)) gradient().dispose();
    throw error;
  } finally {
    y.dispose();
  }
  for (const name of wants) gradients[name] ??= () => tf.zerosLike(name === '0' ? x : variables[Number(name) - 1]!);
  return gradients;
}
