// SPDX-License-Identifier: Apache-2.0
import type { DynamicBlocks } from '@llmf/nn';
import type { NativeBackend } from '../../backend/native-backend.js';

/** Rounds `values` less `offset` into the blocks. */
export function packDynamic(
  { kernels }: NativeBackend,
  values: Float32Array,
  { kind: { book, first }, blockSize, codes, scales }: DynamicBlocks,
  offset: number,
): void {
  kernels.packDynamic({ count: codes.length, blockSize, book, offset, values, first, codes, scales });
}

/** What the blocks stand for. */
export function expandDynamic(
  { kernels }: NativeBackend,
  { kind: { book }, blockSize, codes, scales }: DynamicBlocks,
  into: Float32Array,
): void {
  kernels.expandDynamic({ count: codes.length, blockSize, book, codes, scales, values: into });
}
