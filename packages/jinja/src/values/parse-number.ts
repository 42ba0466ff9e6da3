// SPDX-License-Identifier: Apache-2.0
import { stripEnd, stripStart } from '../strings/whitespace.js';

const prefixes: Readonly<Record<number, RegExp>> = { 2: /^0b_?/i, 8: /^0o_?/i, 16: /^0x_?/i };
const baseOfPrefix: Readonly<Record<string, number>> = { b: 2, o: 8, x: 16 };
/** Python converts no longer texts to integers (sys.int_info.default_max_str_digits). */
export const mostDigits = 4300;

/**
 * The integer that a text holds, as Python's `int(text, base)`: blanks around it, a sign, single underscores between
 * digits; base 0 goes by the prefix. null: it holds none.
 */
export function parseInteger(text: string, base: number): bigint | null {
  const match = /^([+-]?)(.*)$/s.exec(stripEnd(stripStart(text)))!;
  let digits = match[2]!;
  let actual = base;
  if (base === 0) {
    actual = baseOfPrefix[digits.slice(1, 2).toLowerCase()] ?? 10;
    if (actual === 10 && /^0[0_]*[1-9]/.test(digits)) return null;
  }
  const prefix = prefixes[actual];
  if (prefix !== undefined) digits = digits.replace(prefix, '');
  if (!/^[0-9a-z]+(_[0-9a-z]+)*$/i.test(digits)) return null;
  const value = digitsToInteger(digits.replaceAll('_', '').toLowerCase(), actual);
  return value === null ? null : match[1] === '-' ? -value : value;
}

function digitsToInteger(digits: string, base: number): bigint | null {
  const valueOf = (digit: string) => parseInt(digit, 36);
  if ([...digits].some((digit) => valueOf(digit) >= base)) return null;
  if (digits.length > mostDigits) return null;
  if (base === 10) return BigInt(digits);
  return [...digits].reduce((sum, digit) => sum * BigInt(base) + BigInt(valueOf(digit)), 0n);
}

/** As Python's `float(text)`. null: the text holds no number. */
export function parseFloatText(text: string): number | null {
  const trimmed = stripEnd(stripStart(text));
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(trimmed);
  if (special !== null) return (special[2]!.toLowerCase() === 'nan' ? NaN : Infinity) * (special[1] === '-' ? -1 : 1);
  if (!/^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/i.test(trimmed)) return null;
  return Number(trimmed.replaceAll('_', ''));
}
