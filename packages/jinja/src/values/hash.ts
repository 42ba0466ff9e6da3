// SPDX-License-Identifier: Apache-2.0
import { typeError } from '../template-error.js';
import { Dict, DictView } from './dict.js';
import { Markup } from './markup.js';
import { typeName } from './type-name.js';
import { Tuple } from './tuple.js';
import { Undefined } from './undefined.js';
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
  if (value instanceof Markup) return value.text;
  if (value instanceof Tuple) return tupleMark + value.items.map(keyText).join('\ud800');
  if (value instanceof Undefined) return Undefined;
  if (Array.isArray(value) || value instanceof Dict || value instanceof DictView)
    throw typeError(`unhashable type: '${typeName(value)}'`);
  return value;
}

function keyText(value: Value): string {
  const key = keyOf(value);
  return `${typeof key}:${String(typeof key === 'object' && key !== null ? typeName(value) : key)}`;
}
