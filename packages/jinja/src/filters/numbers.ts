// SPDX-License-Identifier: Apache-2.0
import { fixedDigits, scaledInteger } from '../strings/decimal.js';
import { overflowError, TemplateError, typeError, valueError } from '../template-error.js';
import { binary } from '../values/arithmetic.js';
import { toFloat } from '../values/numbers.js';
import { textOf } from '../values/equality.js';
import { asIndex, isNumber, numberOf, type PythonNumber } from '../values/numbers.js';
import { parseFloatText, parseInteger } from '../values/parse-number.js';
import { isTrue } from '../values/truth.js';
import { typeName } from '../values/type-name.js';
import { Undefined } from '../values/undefined.js';
import { definedOr, type Value } from '../values/value.js';
import { filter } from './filter.js';

/** Filters that read or give a number. */
export const numberFilters = [
  filter('int', ['value', 'default', 'base'], 1, ([value, instead, base]) =>
    toInt(value!, definedOr(instead, 0n), definedOr(base, 10n)),
  ),
  filter('float', ['value', 'default'], 1, ([value, instead]) => asFloat(value!) ?? definedOr(instead, 0)),
  filter('abs', ['x'], 1, ([value]) => {
    if (!isNumber(value!)) throw typeError(`bad operand type for abs(): '${typeName(value!)}'`);
    const number = numberOf(value);
    return number < 0 ? -number : Object.is(number, -0) ? 0 : number;
  }),
  filter('round', ['value', 'precision', 'method'], 1, ([value, precision, method]) =>
    round(value!, definedOr(precision, 0n), textOf(method ?? 'common')),
  ),
  filter('filesizeformat', ['value', 'binary'], 1, ([value, isBinary]) => fileSize(value!, isTrue(isBinary ?? false))),
] as const;

/** null where Python raises TypeError or ValueError. */
function asFloat(value: Value): number | null {
  if (value instanceof Undefined) value.fail();
  if (isNumber(value)) return toFloat(numberOf(value));
  const text = textOf(value);
  return text === null ? null : parseFloatText(text);
}

function toInt(value: Value, instead: Value, base: Value): Value {
  const text = textOf(value);
  if (text !== null) {
    const radix = asIndex(base);
    if (radix === null) throw typeError(`'${typeName(base)}' object cannot be interpreted as an integer`);
    const isRadix = radix === 0 || (radix >= 2 && radix <= 36);
    const whole = isRadix ? parseInteger(text, radix) : null;
    if (whole !== null) return whole;
  } else if (isNumber(value)) {
    const number = numberOf(value);
    if (typeof number === 'bigint') return number;
    if (Number.isFinite(number)) return BigInt(Math.trunc(number));
    if (!Number.isNaN(number)) throw overflowError('cannot convert float infinity to integer');
  }
  const float = asFloat(value);
  return float === null || !Number.isFinite(float) ? instead : BigInt(Math.trunc(float));
}

function round(value: Value, precision: Value, method: string | null): Value {
  if (method !== 'common' && method !== 'ceil' && method !== 'floor')
    throw new TemplateError('runtime', 'method must be common, ceil or floor');
  if (!isNumber(value)) throw typeError(`type ${typeName(value)} doesn't define __round__ method`);
  const number = numberOf(value);
  if (method !== 'common') return roundedTowards(number, precision, method);
  const digits = asIndex(precision);
  if (precision === null) return typeof number === 'bigint' ? number : rounded(number, 0);
  if (digits === null) throw typeError(`'${typeName(precision)}' object cannot be interpreted as an integer`);
  return typeof number === 'bigint' ? roundedWhole(number, digits) : rounded(number, digits);
}

function roundedTowards(number: PythonNumber, precision: Value, method: 'ceil' | 'floor'): Value {
  const scale = binary('pow', 10n, precision);
  const scaled = binary('mul', number, scale);
  const whole = typeof scaled === 'number' ? wholeOf(Math[method](scaled)) : scaled;
  return binary('div', whole, scale);
}

function wholeOf(value: number): bigint {
  if (Number.isNaN(value)) throw valueError('cannot convert float NaN to integer');
  if (!Number.isFinite(value)) throw overflowError('cannot convert float infinity to integer');
  return BigInt(value);
}

/** Halves to the even neighbour. */
function roundedWhole(value: bigint, digits: number): bigint {
  if (digits >= 0) return value;
  if (digits < -5000) return 0n;
  const unit = 10n ** BigInt(-digits);
  const rest = ((value % unit) + unit) % unit;
  const floor = value - rest;
  const isUp = rest * 2n > unit || (rest * 2n === unit && (floor / unit) % 2n !== 0n);
  return isUp ? floor + unit : floor;
}

function rounded(value: number, digits: number): number {
  if (!Number.isFinite(value) || digits > 323) return value;
  if (digits < -309) return value < 0 ? -0 : 0;
  const magnitude = Math.abs(value);
  const result =
    digits >= 0
      ? Number(fixedDigits(magnitude, digits))
      : Number(scaledInteger(magnitude, digits) * 10n ** BigInt(-digits));
  if (!Number.isFinite(result)) throw overflowError('rounded value too large to represent');
  return value < 0 || Object.is(value, -0) ? -result : result;
}

const prefixes = ['kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];

function fileSize(value: Value, isBinary: boolean): string {
  const bytes = asFloat(value);
  if (bytes === null) throw valueError('could not convert string to float');
  const base = isBinary ? 1024 : 1000;
  if (bytes === 1) return '1 Byte';
  if (bytes < base) return `${wholeOf(Math.trunc(bytes))} Bytes`;
  const at = prefixes.findIndex((_, power) => bytes < base ** (power + 2));
  const power = at === -1 ? prefixes.length - 1 : at;
  const name = isBinary ? prefixes[power]!.replace('k', 'K').replace('B', 'iB') : prefixes[power]!;
  return `${fixedDigits((base * bytes) / base ** (power + 2), 1)} ${name}`;
}
