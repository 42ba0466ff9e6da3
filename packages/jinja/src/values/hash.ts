// SPDX-License-Identifier: Apache-2.0
import { typeError } from '../template-error.js';
import { typeName } from './type-name.js';
import type { Value } from './value.js';

/** Begins the keys of tuples, which no text of a template begins with: it is half of a character. */
const tupleMark = '\ud800tuple';

/**
 * What stands for a value as a key: equal for equal values and for no others. 1, 1.0 and True are equal.
 * @throws TypeError for lists and dicts.
 */
export function keyOf(value: Value): unknown {
  switch (typeof value) {
    case 'string':
    case 'bigint':
      return value;
    case 'boolean':
      return value ? 1n : 0n;
    case 'number':
      return Number.isInteger(value) ? BigInt(value) : value;
    default:
  }
  if (value === null) return null;
  if (Array.isArray(value)) throw unhashable(value);
  return value.key();
}

export const unhashable = (value: Value) => typeError(`unhashable type: '${typeName(value)}'`);

/** The key of a tuple, by the keys of its items. */
export const keyOfItems = (items: readonly Value[]): string => tupleMark + items.map(keyText).join('\ud800');

function keyText(value: Value): string {
  const key = keyOf(value);
  return `${typeof key}:${String(typeof key === 'object' && key !== null ? typeName(value) : key)}`;
}
