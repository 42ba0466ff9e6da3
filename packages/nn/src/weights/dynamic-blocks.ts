// SPDX-License-Identifier: Apache-2.0
// Numbers as dynamic 8-bit codes in blocks that share a scale, their largest magnitude: value ≈ book[code] · scale. What
// optimizers remember and the scales of double quantization are kept so.
import { backendFacts } from '../backends/facts.js';
import type { DynamicBlocks } from '../contracts/quantizer.js';

/** Rounds `values` less `offset` into the blocks, which are as many numbers. */
export function packDynamic(values: Float32Array, into: DynamicBlocks, offset = 0): void {
  const { quantizer } = backendFacts();
  if (quantizer !== undefined) return quantizer.packDynamic(values, into, offset);
  const { fround } = Math;
  const { codes, scales, blockSize } = into;
  const { codeOf } = into.kind;
  for (let block = 0; block < scales.length; block++) {
    const [start, end] = [block * blockSize, Math.min(codes.length, (block + 1) * blockSize)];
    let most = 0;
    for (let i = start; i < end; i++) most = Math.max(most, Math.abs(fround(values[i]! - offset)));
    scales[block] = most;
    for (let i = start; i < end; i++) codes[i] = codeOf(most === 0 ? 0 : fround(values[i]! - offset) / most);
  }
}

/** What the blocks stand for. */
export function expandDynamic(blocks: DynamicBlocks, into: Float32Array): void {
  const { quantizer } = backendFacts();
  if (quantizer !== undefined) return quantizer.expandDynamic(blocks, into);
  const { codes, scales, blockSize } = blocks;
  const { book } = blocks.kind;
  for (let block = 0; block < scales.length; block++) {
    const scale = scales[block]!;
    const end = Math.min(codes.length, (block + 1) * blockSize);
    for (let i = block * blockSize; i < end; i++) into[i] = book[codes[i]!]! * scale;
  }
}
