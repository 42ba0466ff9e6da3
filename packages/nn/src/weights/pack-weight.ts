// SPDX-License-Identifier: Apache-2.0
import { backendFacts } from '../backends/facts.js';
import type { ChosenFormat, PackedWeight } from '../contracts/weight-format.js';
import { expandedRows } from './expansion.js';

/**
 * A weight of plain elements in another format, by the backend's kernel where it has one for the format's rule.
 *
 * @param check sees the float32 values where no kernel packs them, and where one found that not all are finite; throws
 */
export function packWeight(
  source: PackedWeight,
  { format, options }: ChosenFormat,
  check: (values: Float32Array) => void,
): PackedWeight {
  const { shape } = source;
  const rounding = format.rounding?.(options);
  const rounded = rounding && backendFacts().quantizer?.round(rounding.rule, source);
  if (rounding && rounded) return { format, shape, parts: rounding.parts(rounded) };
  const values = expandedRows(source, 0, shape[0] ?? 1);
  check(values);
  return { format, shape, parts: format.pack(values, shape, options) };
}
