// SPDX-License-Identifier: Apache-2.0
import type { PackedWeight, Rounded, RoundingRule } from '@llmf/nn';
import type { NativeBackend } from '../../backend/native-backend.js';
import { nativeWeight } from '../../backend/weight-forms.js';

/** A matrix of plain elements by a format's rule, to the bit what the format itself gives; null: not all are finite. */
export function roundWeight(backend: NativeBackend, rule: RoundingRule, source: PackedWeight): Rounded | null {
  const isFinite = Int32Array.of(1);
  const rounded = rule.kind === 'rows' ? byRows(backend, source, isFinite) : toNearest(backend, rule, source, isFinite);
  backend.forgetMapped(source.parts['values']!);
  return isFinite[0] === 1 ? rounded : null;
}

function byRows({ kernels }: NativeBackend, source: PackedWeight, isFinite: Int32Array): Rounded {
  const [rows, columns] = source.shape as [number, number];
  const codes = new Uint8Array(rows * columns);
  const scales = new Float32Array(rows);
  kernels.packRows({ rows, columns, weight: nativeWeight(source), codes, scales, isFinite });
  return { codes, scales };
}

function toNearest(
  { kernels }: NativeBackend,
  { bounds, order, blockSize }: RoundingRule & { readonly kind: 'nearest' },
  source: PackedWeight,
  isFinite: Int32Array,
): Rounded {
  const count = source.shape.reduce((product, each) => product * each, 1);
  const codes = new Uint8Array(Math.ceil(count / 2));
  const scales = new Float32Array(Math.ceil(count / blockSize));
  kernels.packNearest({ count, blockSize, weight: nativeWeight(source), bounds, order, codes, scales, isFinite });
  return { codes, scales };
}
