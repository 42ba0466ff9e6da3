// SPDX-License-Identifier: Apache-2.0
import { tf } from '../tf.js';

/** Runs with tfjs's tape off, as inside a kernel. */
export function withoutTape<T>(work: () => T): T {
  const { state } = tf.engine();
  state.kernelDepth++;
  try {
    return work();
  } finally {
    state.kernelDepth--;
  }
}
