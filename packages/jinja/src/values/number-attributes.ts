// SPDX-License-Identifier: Apache-2.0
import { Function } from './function.js';
import { numberOf, type PythonNumber } from './numbers.js';
import type { Value } from './value.js';

/** Attributes and methods of ints, bools and floats that mean something in a text. */
export function numberAttribute(value: PythonNumber | boolean, name: string): Value | undefined {
  const number = numberOf(value);
  const method = (result: () => Value) => new Function(name, result);
  if (name === 'real') return number;
  if (name === 'imag') return typeof number === 'bigint' ? 0n : 0;
  if (name === 'conjugate') return method(() => number);
  if (typeof number === 'bigint') {
    if (name === 'numerator') return number;
    if (name === 'denominator') return 1n;
    if (name === 'bit_length') return method(() => BigInt(number === 0n ? 0 : magnitude(number).length));
    if (name === 'bit_count') return method(() => BigInt(magnitude(number).replaceAll('0', '').length));
    return undefined;
  }
  return name === 'is_integer' ? method(() => Number.isInteger(number)) : undefined;
}

const magnitude = (value: bigint) => (value < 0n ? -value : value).toString(2);
