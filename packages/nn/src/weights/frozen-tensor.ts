// SPDX-License-Identifier: Apache-2.0
import { bf16ToFloat32 } from '@llmf/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { WeightStorage } from '../contracts/index.js';
import { errors } from '../errors.js';
import { tf } from '../tf.js';
import { holdsPacked, writePacked } from './packed.js';

/**
 * A frozen weight as a tensor that lives until it is disposed. float32 bytes become an ordinary tensor; bfloat16 words
 * stay as they are where the current backend can hold them (2 bytes per weight), and are read as float32 by any kernel
 * that does not know them; elsewhere they become float32 at once.
 *
 * @param bytes little-endian, row-major; kept, not copied, where alignment allows
 * @throws LLMF_NN_SHAPE when there are more or fewer bytes than the shape asks for
 */
export function frozenTensor(shape: readonly number[], storage: WeightStorage, bytes: Uint8Array): Tensor {
  const size = tf.util.sizeFromShape([...shape]);
  const width = storage === 'bf16' ? 2 : 4;
  if (bytes.byteLength !== size * width) {
    const expected = `${size * width} bytes for [${shape.join(', ')}] in ${storage}`;
    throw errors.shape({ op: 'frozenTensor', input: 'bytes', got: [bytes.byteLength], expected });
  }
  const { buffer, byteOffset } = byteOffsetIsMultiple(bytes, width) ? bytes : bytes.slice();
  if (storage === 'f32') return tf.keep(tf.tensor(new Float32Array(buffer, byteOffset, size), [...shape], 'float32'));
  const words = new Uint16Array(buffer, byteOffset, size);
  const backend = tf.backend();
  if (!holdsPacked(backend)) return tf.keep(tf.tensor(bf16ToFloat32(words), [...shape], 'float32'));
  const dataId = writePacked(backend, { storage, words }, shape);
  const info = { dataId, shape: [...shape], dtype: 'float32' as const };
  return tf.keep(tf.engine().makeTensorFromTensorInfo(info, backend));
}

const byteOffsetIsMultiple = ({ byteOffset }: Uint8Array, width: number) => byteOffset % width === 0;
