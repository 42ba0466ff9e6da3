// SPDX-License-Identifier: Apache-2.0
import { f16ToFloat32, float32ToF16 } from '@llmf/core';

let table: Float32Array | undefined;

/** The number of a half's 16 bits. */
export function halfValue(bits: number): number {
  table ??= f16ToFloat32(Uint16Array.from({ length: 2 ** 16 }, (_, index) => index));
  return table[bits]!;
}

/** The half at a place of little-endian bytes, aligned or not. */
export const halfAt = (bytes: Uint8Array, at: number): number => halfValue(bytes[at]! | (bytes[at + 1]! << 8));

/** Writes the nearest half. */
export function putHalf(bytes: Uint8Array, at: number, value: number): void {
  const [bits] = float32ToF16(Float32Array.of(value));
  bytes[at] = bits! & 255;
  bytes[at + 1] = bits! >> 8;
}
