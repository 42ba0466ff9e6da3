// SPDX-License-Identifier: Apache-2.0
import type { Tensor } from '@tensorflow/tfjs-core';
import type { PackedWeight } from '../contracts/weight-format.js';
import { errors } from '../errors.js';
import { tf } from '../tf.js';
import { elementsOf, type ElementFormat } from './element-formats.js';
import { outlineOf } from './outline.js';
import { packedOf, packedTensor } from './packed.js';

/**
 * A frozen weight of plain elements as a tensor that lives until it is disposed, on any backend.
 *
 * @param bytes little-endian, row-major; kept, not copied, where alignment allows
 * @throws LLMF_NN_SHAPE when there are more or fewer bytes than the shape asks for
 */
export function frozenTensor(shape: readonly number[], format: ElementFormat, bytes: Uint8Array): Tensor {
  const size = format.bytes(shape, {});
  if (bytes.byteLength !== size) {
    const expected = `${size} bytes for [${shape.join(', ')}] in ${format.name}`;
    throw errors.shape({ op: 'frozenTensor', input: 'bytes', got: [bytes.byteLength], expected });
  }
  return frozenWeight({ format, shape, parts: { values: format.view(bytes) } });
}

/** A frozen weight as a tensor: float32 values as an ordinary one, any other format packed. */
export function frozenWeight(weight: PackedWeight): Tensor {
  const values = elementsOf(weight, 'F32');
  if (values === null) return packedTensor(weight);
  return tf.keep(tf.tensor(values as Float32Array, [...weight.shape], 'float32'));
}

/** Bytes of a frozen weight as it is kept. */
export const packedBytes = ({ parts }: PackedWeight): number =>
  Object.values(parts).reduce((sum, { byteLength }) => sum + byteLength, 0);

/** Bytes of a weight: as it is kept, or would be where it was not read. */
export function weightBytes(value: Tensor): number {
  const outline = outlineOf(value);
  if (outline !== null) return outline.bytes;
  const packed = packedOf(value);
  return packed === null ? 4 * value.size : packedBytes(packed);
}
