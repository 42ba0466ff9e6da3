// SPDX-License-Identifier: Apache-2.0
import type { Value } from './value.js';

/** As Python's `type(x).__name__`. */
export function typeName(value: Value): string {
  switch (typeof value) {
    case 'string':
      return 'str';
    case 'bigint':
      return 'int';
    case 'boolean':
      return 'bool';
    case 'number':
      return 'float';
    default:
  }
  if (value === null) return 'NoneType';
  return Array.isArray(value) ? 'list' : value.typeName;
}
