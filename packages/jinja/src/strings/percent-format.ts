// SPDX-License-Identifier: Apache-2.0
import { allocateItems, allocateText } from '../runtime/budget.js';
import { TemplateError, typeError, valueError } from '../template-error.js';
import { toFloat } from '../values/numbers.js';
import { Dict } from '../values/dict.js';
import { asIndex, integerOf, intText, isNumber, numberOf } from '../values/numbers.js';
import { repr, str } from '../values/repr.js';
import { Tuple } from '../values/tuple.js';
import { typeName } from '../values/type-name.js';
import { Undefined } from '../values/undefined.js';
import type { Value } from '../values/value.js';
import { asciiRepr } from './ascii.js';
import { lengthOf, sliceText } from './code-points.js';
import { formatFloat } from './format-number.js';

const conversion = /%(?:\(((?:[^()]|\([^()]*\))*)\))?([-+ #0]*)(\*|\d+)?(?:(\.)(\*|\d+)?)?[hlL]?([\s\S])?/g;

/** Python's `text % values`. `escape`: applied to what is written in place of a conversion (of safe strings). */
export function percentFormat(text: string, values: Value, escape: ((value: Value) => string) | null): string {
  const source = new Values(values);
  allocateItems(8 * (text.split('%').length - 1));
  const formatted = text.replace(
    conversion,
    (_, key: string | undefined, flags: string, width, point, precision, type: string | undefined) => {
      if (type === '%') return '%';
      if (type === undefined) throw valueError('incomplete format');
      const widthGiven = width === '*' ? source.count() : width === undefined ? 0 : Number(width);
      const precisionGiven = precision === '*' ? source.count() : point === undefined ? null : Number(precision ?? 0);
      const value = key === undefined ? source.next() : source.named(key);
      const spec: Spec = {
        flags: widthGiven < 0 ? `${flags}-` : flags,
        width: Math.abs(widthGiven),
        precision: precisionGiven,
      };
      return converted(value, type, spec, escape);
    },
  );
  source.checkAllUsed();
  allocateText(formatted.length);
  return formatted;
}

/** The values behind `%`: a tuple is several, a dict is asked by key, all else is one. */
class Values {
  #at = 0;
  constructor(private readonly values: Value) {}

  next(): Value {
    const { values } = this;
    const value = values instanceof Tuple ? values.items[this.#at] : this.#at === 0 ? values : undefined;
    this.#at++;
    if (value === undefined) throw typeError('not enough arguments for format string');
    return value;
  }

  count(): number {
    const value = asIndex(this.next());
    if (value === null) throw typeError('* wants int');
    return value;
  }

  named(key: string): Value {
    this.#at = Infinity;
    if (!(this.values instanceof Dict)) throw typeError('format requires a mapping');
    const value = this.values.get(key);
    if (value === undefined) throw new TemplateError('runtime', repr(key), 'KeyError');
    return value;
  }

  checkAllUsed(): void {
    const { values } = this;
    const isUsed =
      values instanceof Tuple
        ? this.#at >= values.items.length
        : this.#at > 0 || values instanceof Dict || Array.isArray(values) || values instanceof Undefined;
    if (!isUsed) throw typeError('not all arguments converted during string formatting');
  }
}

interface Spec {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | null;
}

function converted(value: Value, type: string, spec: Spec, escape: ((value: Value) => string) | null): string {
  if ('sra'.includes(type)) return padded('', textFor(value, type, spec, escape), spec, false);
  if (type === 'c') return padded('', characterFor(value), spec, false);
  if ('diuxXo'.includes(type)) return wholeNumber(value, type, spec);
  if ('eEfFgG'.includes(type)) return float(value, type, spec);
  throw valueError(`unsupported format character '${type}' (0x${type.codePointAt(0)!.toString(16)})`);
}

function textFor(value: Value, type: string, { precision }: Spec, escape: ((value: Value) => string) | null): string {
  const plain = type === 's' ? str(value) : type === 'r' ? repr(value) : asciiRepr(value);
  const text = escape === null ? plain : escape(type === 's' ? value : plain);
  return precision === null ? text : sliceText(text, 0, precision);
}

function characterFor(value: Value): string {
  if (typeof value === 'string' && lengthOf(value) === 1) return value;
  const code = integerOf(value);
  if (code === null) throw typeError('%c requires int or char');
  if (code < 0n || code > 0x10ffffn)
    throw new TemplateError('runtime', '%c arg not in range(0x110000)', 'OverflowError');
  return String.fromCodePoint(Number(code));
}

function wholeNumber(value: Value, type: string, spec: Spec): string {
  const integer = asWhole(value, type);
  const magnitude = integer < 0n ? -integer : integer;
  const base = { x: 16, X: 16, o: 8 }[type] ?? 10;
  let digits = base === 10 ? intText(magnitude) : magnitude.toString(base);
  if (type === 'X') digits = digits.toUpperCase();
  if (spec.precision !== null) {
    allocateText(spec.precision);
    digits = digits.padStart(spec.precision, '0');
  }
  const prefix = spec.flags.includes('#') && base !== 10 ? `0${type}` : '';
  return padded(signOf(integer < 0n, spec.flags) + prefix, digits, spec, true);
}

function asWhole(value: Value, type: string): bigint {
  const integer = integerOf(value);
  if (integer !== null) return integer;
  if (typeof value === 'number' && 'diu'.includes(type)) {
    if (Number.isNaN(value)) throw valueError('cannot convert float NaN to integer');
    if (!Number.isFinite(value))
      throw new TemplateError('runtime', 'cannot convert float infinity to integer', 'OverflowError');
    return BigInt(Math.trunc(value));
  }
  if (value instanceof Undefined && 'diu'.includes(type)) value.fail();
  const wanted = 'diu'.includes(type) ? 'a real number is required' : 'an integer is required';
  throw typeError(`%${type} format: ${wanted}, not ${typeName(value)}`);
}

function float(value: Value, type: string, spec: Spec): string {
  if (value instanceof Undefined) value.fail();
  if (!isNumber(value)) throw typeError(`must be real number, not ${typeName(value)}`);
  const number = toFloat(numberOf(value));
  const precision = spec.precision ?? 6;
  allocateText(precision);
  const isNegative = number < 0 || Object.is(number, -0);
  const digits = formatFloat(Math.abs(number), type, precision, spec.flags.includes('#'));
  return padded(signOf(isNegative, spec.flags), digits, spec, true);
}

const signOf = (isNegative: boolean, flags: string) =>
  isNegative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';

function padded(sign: string, body: string, { flags, width }: Spec, isNumeric: boolean): string {
  const missing = width - sign.length - lengthOf(body);
  if (missing <= 0) return sign + body;
  allocateText(width);
  if (flags.includes('-')) return sign + body + ' '.repeat(missing);
  if (isNumeric && flags.includes('0')) return sign + '0'.repeat(missing) + body;
  return ' '.repeat(missing) + sign + body;
}
