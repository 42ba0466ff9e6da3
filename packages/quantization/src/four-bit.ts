// SPDX-License-Identifier: Apache-2.0
/**
 * 4-bit codes in blocks that share a scale, their largest magnitude: weight ≈ book[code] · scale. Blocks run over the
 * matrix row after row; of two codes in a byte the first is in its upper half. QLoRA (Dettmers et al., 2023), section 3;
 * layout and rounding are those of bitsandbytes' `quantize_4bit`.
 */
import type { PackedWeight, Rounded, WeightFormat, WeightParts } from '@llmf/nn';
import { z } from 'zod';
import { packScales, scaleBytes, scaleReader } from './block-scales.js';
import { fp4Book, nf4Book } from './code-books.js';

export const fourBitOptions = z.strictObject({
  blockSize: z
    .union([z.literal(32), z.literal(64), z.literal(128), z.literal(256), z.literal(512), z.literal(1024)])
    .default(64)
    .describe('Weights that share a scale (QLoRA: 64).'),
  doubleQuantization: z
    .boolean()
    .default(true)
    .describe('Keep the scales in 8 bits, in blocks of 256 (QLoRA: yes): 0.13 instead of 0.5 bits a weight at 64.'),
});
type FourBitOptions = z.infer<typeof fourBitOptions>;

/** Equal parts of [-1, 1], for the search of a code. */
const bins = 256;

export const nf4 = fourBit(
  'nf4',
  nf4Book,
  '4.1 bits a weight: quantiles of a normal distribution in blocks of 64 (QLoRA)',
);
export const fp4 = fourBit('fp4', fp4Book, '4.1 bits a weight: 4-bit floating point in blocks of 64');

function fourBit(name: string, book: Float32Array, description: string): WeightFormat {
  const search = searchOf(book);
  const codeOf = nearestCode(search);
  const partsOf = ({ codes, scales }: Rounded, { blockSize, doubleQuantization }: FourBitOptions) => {
    return { codes, book, blockSize: Uint32Array.of(blockSize), ...packScales(scales, doubleQuantization) };
  };
  return {
    name,
    description,
    options: fourBitOptions,
    rounding(given) {
      const options = given as FourBitOptions;
      const rule = { kind: 'nearest', ...search, blockSize: options.blockSize } as const;
      return { rule, parts: (rounded) => partsOf(rounded, options) };
    },
    pack(values, _shape, given) {
      const options = given as FourBitOptions;
      return partsOf(packBlocks(values, options.blockSize, codeOf), options);
    },
    expand,
    bytes(shape, options) {
      const { blockSize, doubleQuantization } = options as FourBitOptions;
      const size = shape.reduce((product, one) => product * one, 1);
      const scales = scaleBytes(Math.ceil(size / blockSize), doubleQuantization);
      return Math.ceil(size / 2) + scales + book.byteLength + 4;
    },
  };
}

/** Smaller scales are taken for this one, so that a block of zeros has codes of zero. */
const leastScale = Math.fround(1e-38);

function packBlocks(values: Float32Array, blockSize: number, codeOf: (value: number) => number): Rounded {
  const { fround } = Math;
  const scales = new Float32Array(Math.ceil(values.length / blockSize));
  const codes = new Uint8Array(Math.ceil(values.length / 2));
  for (let block = 0; block < scales.length; block++) {
    const start = block * blockSize;
    const end = Math.min(values.length, start + blockSize);
    let most = 0;
    for (let i = start; i < end; i++) most = Math.max(most, Math.abs(values[i]!));
    const isWhole = end - start === blockSize;
    const divisor = Math.max(most, leastScale);
    const factor = fround(1 / divisor);
    scales[block] = isWhole ? most : divisor;
    for (let i = start; i < end; i++) {
      // The last block, where it is shorter, is divided: as bitsandbytes does.
      const scaled = fround(isWhole ? values[i]! * factor : values[i]! / divisor);
      codes[i >> 1]! |= codeOf(scaled) << (i % 2 === 0 ? 4 : 0);
    }
  }
  if (values.length % 2 === 1) codes[codes.length - 1]! |= codeOf(0);
  return { codes, scales };
}

interface Search {
  readonly order: Uint8Array;
  readonly bounds: Float32Array;
}

/** Codes by their values, ascending, and the midpoints between them. */
function searchOf(book: Float32Array): Search {
  const order = Uint8Array.from([...book.keys()].sort((a, b) => book[a]! - book[b]! || a - b));
  const bounds = Float32Array.from(order.subarray(1), (code, index) => (book[order[index]!]! + book[code]!) / 2);
  return { order, bounds };
}

/** A value at a midpoint belongs to the lower one. Values are within ±1. */
function nearestCode({ order, bounds }: Search): (value: number) => number {
  const { fround } = Math;
  const below = (value: number) => bounds.reduce((count, bound) => count + (bound < value ? 1 : 0), 0);
  // How many bounds are below the least value of each equal part of [-1, 1]: the search begins there.
  const begins = Uint8Array.from({ length: bins + 1 }, (_, bin) => below(fround((bin * 2) / bins - 1)));
  return (value) => {
    let place = begins[Math.max(0, Math.min(bins, Math.floor((value + 1) * (bins / 2))))] ?? 0;
    while (place < bounds.length && bounds[place]! < value) place++;
    return order[place]!;
  };
}

function expand({ parts, shape }: PackedWeight, from: number, to: number, into: Float32Array): void {
  const { codes, book, blockSize } = parts as WeightParts & Record<'codes' | 'book' | 'blockSize', Float32Array>;
  const columns = shape.slice(1).reduce((product, one) => product * one, 1);
  const [first, last] = [from * columns, to * columns];
  const size = blockSize[0]!;
  const scaleOf = scaleReader(parts);
  for (let start = first; start < last;) {
    const block = Math.floor(start / size);
    const end = Math.min(last, (block + 1) * size);
    const scale = scaleOf(block);
    for (let i = start; i < end; i++) {
      const byte = codes[i >> 1]!;
      into[i - first] = book[i % 2 === 0 ? byte >> 4 : byte & 15]! * scale;
    }
    start = end;
  }
}
