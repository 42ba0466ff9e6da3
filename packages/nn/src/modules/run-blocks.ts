// SPDX-License-Identifier: Apache-2.0
import { checkpoint } from '../autograd/checkpoint.js';
import { tf } from '../tf.js';
import type { DecoderPass } from './decoder-pass.js';

/** What all blocks of a pass share. */
interface Pass {
  readonly context: { readonly gradientCheckpointing: boolean };
}

export interface Block<P extends Pass = DecoderPass> {
  /** x [T, C] → [T, C] */
  forward(x: tf.Tensor2D, pass: P): tf.Tensor2D;
}

/** x through all blocks; each is recomputed in the reverse pass where the context asks for it. */
export function runBlocks<P extends Pass>(blocks: readonly Block<P>[], x: tf.Tensor2D, pass: P): tf.Tensor2D {
  const { gradientCheckpointing } = pass.context;
  for (const block of blocks) {
    const once = (input: tf.Tensor2D) => tf.tidy(() => block.forward(input, pass));
    x = gradientCheckpointing ? checkpoint(once, x) : once(x);
  }
  return x;
}
