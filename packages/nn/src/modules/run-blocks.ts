// SPDX-License-Identifier: Apache-2.0
import { checkpoint } from '../autograd/checkpoint.js';
import type { ForwardContext } from '../contracts/model.js';
import { tf } from '../tf.js';
import type { DecoderPass } from './decoder-pass.js';

/** What all blocks of a pass share. */
interface Pass {
  readonly context: Pick<ForwardContext, 'gradientCheckpointing' | 'addedAfterBlocks'>;
}

export interface Block<P extends Pass = DecoderPass> {
  /**
   * x [T, C] → [T, C]
   * @param encoded [S, C], what an encoder gives to all blocks; left out: there is none, or the cache holds it
   */
  forward(x: tf.Tensor2D, pass: P, encoded?: tf.Tensor2D): tf.Tensor2D;
}

/** x through all blocks; each is recomputed in the reverse pass where the context asks for it. */
export function runBlocks<P extends Pass>(
  blocks: readonly Block<P>[],
  x: tf.Tensor2D,
  pass: P,
  encoded?: tf.Tensor2D,
): tf.Tensor2D {
  const { gradientCheckpointing, addedAfterBlocks = [] } = pass.context;
  const beside = encoded === undefined ? [] : [encoded];
  for (const [index, block] of blocks.entries()) {
    const once = (input: tf.Tensor2D, ...others: tf.Tensor2D[]) => tf.tidy(() => block.forward(input, pass, ...others));
    x = gradientCheckpointing ? checkpoint(once, x, ...beside) : once(x, ...beside);
    const added = addedAfterBlocks[index];
    if (added !== undefined) x = tf.add(x, added);
  }
  return x;
}
