// SPDX-License-Identifier: Apache-2.0
// The scales of blocks, as float32 or quantized themselves (QLoRA's double quantization): less their mean, in blocks of
// 256, as dynamic 8-bit values.
import { packDynamic, signedCodes, type WeightParts } from '@llmf/nn';

export const scalesPerBlock = 256;
const { book: dynamicBook } = signedCodes;

/** Parts that hold the scales. */
export function packScales(scales: Float32Array, isNested: boolean): WeightParts {
  if (!isNested) return { scales };
  const mean = Math.fround(scales.reduce((sum, scale) => sum + scale, 0) / Math.max(1, scales.length));
  const codes = new Uint8Array(scales.length);
  const nested = new Float32Array(Math.ceil(scales.length / scalesPerBlock));
  packDynamic(scales, { kind: signedCodes, blockSize: scalesPerBlock, codes, scales: nested }, mean);
  return { scaleCodes: codes, scaleBook: dynamicBook, nestedScales: nested, scaleOffset: Float32Array.of(mean) };
}

/** The scale of one block. */
export function scaleReader(parts: WeightParts): (block: number) => number {
  const { fround } = Math;
  const { scales, scaleCodes, scaleBook, nestedScales, scaleOffset } = parts;
  if (scales !== undefined) return (block) => scales[block]!;
  const offset = scaleOffset![0]!;
  return (block) => {
    const rest = fround(scaleBook![scaleCodes![block]!]! * nestedScales![Math.floor(block / scalesPerBlock)]!);
    return fround(rest + offset);
  };
}

/** Bytes of `count` scales and of what they are read with. */
export function scaleBytes(count: number, isNested: boolean): number {
  return isNested ? count + 4 * Math.ceil(count / scalesPerBlock) + dynamicBook.byteLength + 4 : 4 * count;
}
