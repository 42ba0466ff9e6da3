// SPDX-License-Identifier: Apache-2.0
import type { Value } from './value.js';

/** Python's `bool(x)`: zero, nothing and the empty are false. */
export function isTrue(value: Value): boolean {
  switch (typeof value) {
    case 'boolean':
      return value;
    case 'string':
      return value !== '';
    case 'bigint':
      return value !== 0n;
    case 'number':
      return value !== 0;
    default:
  }
  if (value === null) return false;
  return Array.isArray(value) ? value.length > 0 : value.isTrue();
}
