// SPDX-License-Identifier: Apache-2.0
import { allocate, spend } from '../runtime/budget.js';
import { overflowError, TemplateError, valueError } from '../template-error.js';
import { mostDigits } from './parse-number.js';
import type { Value } from './value.js';

export type PythonNumber = bigint | number;

/** Bits of the largest integer that is computed: far more than Python would print. */
const mostBits = 64 * 1024;
/** Up to here an integer costs no more than any other value. */
const machineBits = 128;

export const isNumber = (value: Value): value is PythonNumber | boolean =>
  typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean';

/** True counts as 1, False as 0. */
export function numberOf(value: PythonNumber | boolean): PythonNumber {
  return typeof value === 'boolean' ? (value ? 1n : 0n) : value;
}

/** An int or a bool, else null. */
export function integerOf(value: Value): bigint | null {
  if (typeof value === 'bigint') return value;
  return typeof value === 'boolean' ? (value ? 1n : 0n) : null;
}

/** A position in a sequence: an int or a bool; null for all else. Beyond any sequence it is infinite. */
export function asIndex(value: Value): number | null {
  const integer = integerOf(value);
  if (integer === null) return null;
  if (integer > 0xffffffffn) return Infinity;
  return integer < -0xffffffffn ? -Infinity : Number(integer);
}

/** The digits of an integer. @throws ValueError beyond 4300 digits, as Python. */
export function intText(value: bigint): string {
  if (bitsOf(value) > 4 * mostDigits) throw tooManyDigits();
  const text = String(value);
  if (text.length - (value < 0n ? 1 : 0) > mostDigits) throw tooManyDigits();
  return text;
}

const tooManyDigits = () =>
  valueError(
    `Exceeds the limit (${mostDigits} digits) for integer string conversion; use sys.set_int_max_str_digits()`,
  );

/** An upper bound that costs little. */
export function bitsOf(value: bigint): number {
  if (value >= -0x1fffffffffffffn && value <= 0x1fffffffffffffn) return 53;
  return value.toString(16).length * 4;
}

/** To be called before an integer of at most that many bits is computed: large ones cost time and memory. */
export function checkBits(bits: number): void {
  if (bits > mostBits) throw new TemplateError('limit', `integers of more than ${mostBits} bits are not computed`);
  if (bits <= machineBits) return;
  spend(bits >> 5);
  allocate(bits >> 2);
}

/** @throws OverflowError where the integer is beyond any float. */
export function toFloat(value: PythonNumber): number {
  const float = Number(value);
  if (typeof value === 'bigint' && !Number.isFinite(float)) throw overflowError('int too large to convert to float');
  return float;
}
