// SPDX-License-Identifier: Apache-2.0
import { allocateItems, nested } from '../runtime/budget.js';
import { Dict } from './dict.js';
import { JsonNumber } from './json-number.js';
import type { Value } from './value.js';

/**
 * A JavaScript value as the Python value that the same JSON has: whole numbers are ints (write `JsonNumber.float(1)`
 * for 1.0), others floats; plain objects are dicts. What is undefined inside an object is left out.
 */
export function toValue(given: unknown): Value {
  if (given === null || given === undefined) return null;
  switch (typeof given) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return given;
    case 'number':
      return Number.isInteger(given) ? BigInt(given) : given;
    case 'object':
      return given instanceof JsonNumber ? given.value : nested(() => structure(given));
    default:
      throw new TypeError(`a ${typeof given} is no value of a chat`);
  }
}

function structure(given: object): Value {
  if (Array.isArray(given)) {
    allocateItems(given.length);
    return given.map(toValue);
  }
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  allocateItems(entries.length * 4);
  return Dict.of(entries.map(([key, value]) => [key, toValue(value)]));
}
