// SPDX-License-Identifier: Apache-2.0
import { firstNonFinite, firstNonFiniteBf16 } from '@llmf/core';
import type { ActiveAdapter, AttachedAdapter, Model } from '../contracts/index.js';
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
    const words = packedOf(value)?.words;
    const at = words === undefined ? firstNonFinite((await value.data()) as Float32Array) : firstNonFiniteBf16(words);
    if (at !== -1) return name;
  }
  for (const [name, variable] of (adapter as Partial<AttachedAdapter> | null)?.variables ?? []) {
    if (firstNonFinite((await variable.data()) as Float32Array) !== -1) return name;
  }
  return null;
}
