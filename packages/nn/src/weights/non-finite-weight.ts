// SPDX-License-Identifier: Apache-2.0
import { firstNonFinite, firstNonFiniteBf16 } from '@llmf/core';
import type { ActiveAdapter, AttachedAdapter, Model, PackedWeight } from '../contracts/index.js';
import { elementsOf } from './element-formats.js';
import { expandedRows } from './expansion.js';
import { packedOf } from './packed.js';

/**
 * The name of the first weight, of the model or its adapter, that holds NaN or infinity; null where all are numbers. Looks
 * through every weight: for a message about a result that is not a number.
 */
export async function nonFiniteWeight(
  { parameters }: Pick<Model, 'parameters'>,
  adapter: ActiveAdapter | null = null,
): Promise<string | null> {
  for (const [name, { value }] of parameters) {
    const packed = packedOf(value);
    const at = packed === null ? firstNonFinite((await value.data()) as Float32Array) : firstOfPacked(packed);
    if (at !== -1) return name;
  }
  for (const [name, variable] of (adapter as Partial<AttachedAdapter> | null)?.variables ?? []) {
    if (firstNonFinite((await variable.data()) as Float32Array) !== -1) return name;
  }
  return null;
}

function firstOfPacked(weight: PackedWeight): number {
  const words = elementsOf(weight, 'BF16');
  if (words !== null) return firstNonFiniteBf16(words as Uint16Array);
  const rows = weight.shape[0] ?? 1;
  for (let row = 0; row < rows; row++) {
    const values = expandedRows(weight, row, row + 1);
    const at = firstNonFinite(values);
    if (at !== -1) return row * values.length + at;
  }
  return -1;
}
