// SPDX-License-Identifier: Apache-2.0
import { tf, type Tensor } from '@llmf/nn';

/** 1 MiB: reading a tensor copies it, and a copy of all trained weights at once would be the peak of the run's memory. */
export const chunkSize = 2 ** 18;

/** The values of a tensor in order, a piece at a time, from the piece that begins at `first` on. */
export async function* valueChunks(tensor: Tensor, first = 0): AsyncGenerator<Float32Array> {
  for (let start = first; start < tensor.size; start += chunkSize) {
    const size = Math.min(chunkSize, tensor.size - start);
    const piece = tf.tidy(() => tf.slice(tf.reshape(tensor, [tensor.size]), [start], [size]));
    try {
      yield (await piece.data()) as Float32Array;
    } finally {
      piece.dispose();
    }
  }
}
