// SPDX-License-Identifier: Apache-2.0
/**
 * Decimal digits of a float rounded as Python rounds: on the exact binary value, halves to the even digit.
 * JavaScript's `toFixed` takes halves away from zero.
 */
const bytes = new DataView(new ArrayBuffer(8));

/** A finite float ≥ 0 as `mantissa · 2^exponent`. */
function exact(value: number): { mantissa: bigint; exponent: number } {
  bytes.setFloat64(0, value);
  const bits = bytes.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  if (biased === 0) return { mantissa: fraction, exponent: -1074 };
  return { mantissa: fraction | 0x10000000000000n, exponent: biased - 1075 };
}

/** `round(value · 10^digits)` of a finite float ≥ 0, halves to even. */
export function scaledInteger(value: number, digits: number): bigint {
  const { mantissa, exponent } = exact(value);
  let numerator = mantissa;
  let denominator = 1n;
  if (exponent > 0) numerator <<= BigInt(exponent);
  else denominator <<= BigInt(-exponent);
  if (digits > 0) numerator *= 10n ** BigInt(digits);
  else denominator *= 10n ** BigInt(-digits);
  const quotient = numerator / denominator;
  const twice = (numerator - quotient * denominator) * 2n;
  const isUp = twice > denominator || (twice === denominator && quotient % 2n === 1n);
  return isUp ? quotient + 1n : quotient;
}

/** No float has more digits, before or behind the point: all further ones are zeros. */
const mostDigits = 1100;

/** `%.{digits}f` of a finite float ≥ 0. */
export function fixedDigits(value: number, digits: number): string {
  const exactly = Math.min(digits, mostDigits);
  const text = String(scaledInteger(value, exactly)).padStart(exactly + 1, '0') + '0'.repeat(digits - exactly);
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** `digits + 1` significant digits of a finite float ≥ 0 and the power of ten of the first. */
export function significantDigits(value: number, digits: number): { text: string; power: number } {
  if (value === 0) return { text: '0'.repeat(digits + 1), power: 0 };
  const exactly = Math.min(digits, mostDigits);
  let power = Number(value.toExponential().split('e')[1]);
  let text = String(scaledInteger(value, exactly - power));
  if (text.length > exactly + 1) {
    power++;
    text = text.slice(0, exactly + 1);
  }
  return { text: text + '0'.repeat(digits - exactly), power };
}
