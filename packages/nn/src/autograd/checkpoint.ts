// SPDX-License-Identifier: Apache-2.0
/**
 * Gradient checkpointing: Chen et al., "Training deep nets with sublinear memory cost", 2016, section 4: a block keeps
 * its input only and is computed again when the reverse pass reaches it.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { tf } from '../tf.js';
import { reverse } from './reverse.js';
import { currentTape, Tape } from './tape.js';
import { withoutTape } from './without-tape.js';

/**
 * `block(…inputs)`, recomputed in the reverse pass instead of kept. The block may use variables by closure; it must be a pure
 * function of its inputs and them (random numbers keyed by a counter), and any other tensor it uses must outlive the reverse
 * pass or be made within the block. The gradients are the same bits as without, as long as
 * neither an input nor a variable of the block is used again outside of it (else their sums may round differently).
 *
 * Outside of a recorded pass, and within another checkpointed block's first pass, it is simply `block(…inputs)`.
 */
export function checkpoint<X extends Tensor, Y extends Tensor>(block: (...inputs: X[]) => Y, ...inputs: X[]): Y {
  const tape = currentTape();
  if (tape === null || tape.mode === 'observe') return block(...inputs);
  const first = new Tape([...inputs, ...tape.allLeaves], 'observe');
  const y = first.run(() => tf.tidy(() => block(...inputs)));
  if (inputs.some(({ id }) => id === y.id)) return y;
  const variables = [...first.used.values()].filter((leaf) => inputs.every(({ id }) => id !== leaf.id));
  if (variables.length === 0 && !inputs.some((input) => tape.needs(input))) return y;
  const saved = inputs.map((input) => tf.keep(withoutTape(() => tf.clone(input))));
  tape.record({
    kernelName: 'LlmfCheckpoint',
    inputs: Object.fromEntries([...inputs, ...variables].map((tensor, index) => [String(index), tensor])),
    outputs: [y],
    saved,
    gradient: ([dy], wants) => again(block, saved, variables, dy!, wants),
  });
  return y;
}

/** Second forward pass over the kept inputs, then its own reverse pass, whose results are the block's gradients. */
function again<X extends Tensor>(
  block: (...inputs: X[]) => Tensor,
  inputs: readonly X[],
  variables: readonly Tensor[],
  dy: Tensor,
  wants: ReadonlySet<string>,
): Record<string, () => Tensor> {
  const sources: readonly Tensor[] = [...inputs, ...variables];
  const places = new Map(sources.map((tensor, index) => [tensor.id, String(index)]));
  const gradients: Record<string, () => Tensor> = {};
  const tape = new Tape(sources.filter((_, index) => index >= inputs.length || wants.has(String(index))));
  const y = tape.run(() => tf.tidy(() => block(...inputs)));
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
  for (const name of wants) gradients[name] ??= () => tf.zerosLike(sources[Number(name)]!);
  return gradients;
}
