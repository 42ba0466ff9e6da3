// SPDX-License-Identifier: Apache-2.0
import { signedCodes, type PackedWeight, type RoundingRule, type WeightParts } from '@llmf/nn';
import type { NativeBackend } from '../../backend/native-backend.js';
import { nativeWeight } from '../../backend/weight-forms.js';
import { packDynamic } from '../dynamic-codes/dynamic-codes.js';

/** Scales that share one of theirs, where they are kept in 8 bits. */
const scalesPerBlock = 256;

/** A matrix of plain elements by a format's rule, to the bit what the format itself gives; null: not all are finite. */
export function packWeight(backend: NativeBackend, rule: RoundingRule, source: PackedWeight): WeightParts | null {
  const isFinite = Int32Array.of(1);
  const parts =
    rule.kind === 'rows' ? packRows(backend, source, isFinite) : packNearest(backend, rule, source, isFinite);
  backend.forgetMapped(source.parts['values']!);
  return isFinite[0] === 1 ? parts : null;
}

function packRows({ kernels }: NativeBackend, source: PackedWeight, isFinite: Int32Array): WeightParts {
  const [rows, columns] = source.shape as [number, number];
  const codes = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  const weight = nativeWeight(source);
  kernels.packRows({ rows, columns, weight, codes: new Uint8Array(codes.buffer), scales, isFinite });
  return { codes, scales };
}

function packNearest(
  backend: NativeBackend,
  { book, blockSize, isNested }: RoundingRule & { readonly kind: 'nearest' },
  source: PackedWeight,
  isFinite: Int32Array,
): WeightParts {
  const count = source.shape.reduce((product, each) => product * each, 1);
  const codes = new Uint8Array(Math.ceil(count / 2));
  const scales = new Float32Array(Math.ceil(count / blockSize));
  const weight = nativeWeight(source);
  backend.kernels.packNearest({ count, blockSize, weight, ...searchOf(book), codes, scales, isFinite });
  const parts = { codes, book, blockSize: Uint32Array.of(blockSize) };
  return isNested ? { ...parts, ...nestedScales(backend, scales) } : { ...parts, scales };
}

/** Midpoints between ascending values, and the code of the value above so many of them. */
function searchOf(book: Float32Array): { readonly bounds: Float32Array; readonly order: Uint8Array } {
  const order = Uint8Array.from([...book.keys()].sort((a, b) => book[a]! - book[b]! || a - b));
  const bounds = Float32Array.from(order.subarray(1), (code, index) => (book[order[index]!]! + book[code]!) / 2);
  return { bounds, order };
}

/** Less their mean, as dynamic 8-bit values. */
function nestedScales(backend: NativeBackend, scales: Float32Array): WeightParts {
  const mean = Math.fround(scales.reduce((sum, scale) => sum + scale, 0) / Math.max(1, scales.length));
  const codes = new Uint8Array(scales.length);
  const nested = new Float32Array(Math.ceil(scales.length / scalesPerBlock));
  packDynamic(backend, scales, { kind: signedCodes, blockSize: scalesPerBlock, codes, scales: nested }, mean);
  return { scaleCodes: codes, scaleBook: signedCodes.book, nestedScales: nested, scaleOffset: Float32Array.of(mean) };
}
