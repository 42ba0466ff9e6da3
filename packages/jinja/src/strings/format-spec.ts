// SPDX-License-Identifier: Apache-2.0
import { allocateText } from '../runtime/budget.js';
import { typeError, valueError } from '../template-error.js';
import { toFloat } from '../values/numbers.js';
import { textOf } from '../values/equality.js';
import { floatRepr } from '../values/float-repr.js';
import { intText, isNumber, numberOf } from '../values/numbers.js';
import { str } from '../values/repr.js';
import { typeName } from '../values/type-name.js';
import type { Value } from '../values/value.js';
import { lengthOf, sliceText } from './code-points.js';
import { formatFloat } from './format-number.js';

interface Spec {
  readonly fill: string;
  readonly align: '' | '<' | '>' | '^' | '=';
  readonly sign: string;
  readonly isAlternate: boolean;
  readonly width: number;
  readonly grouping: '' | ',' | '_';
  readonly precision: number | null;
  readonly type: string;
}

const pattern = /^(?:(.)?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?(.)?$/su;

/** Python's `format(value, spec)`, the part of `{x:…}` behind the colon. */
export function formatWithSpec(value: Value, text: string): string {
  if (text === '') return str(value);
  const plain = textOf(value);
  if (plain === null && !isNumber(value))
    throw typeError(`unsupported format string passed to ${typeName(value)}.__format__`);
  const spec = parseSpec(text);
  if (plain !== null) return formatText(plain, spec);
  if (typeof value === 'boolean' && spec.type === '') return formatWhole(numberOf(value) as bigint, spec);
  const number = numberOf(value as bigint | number | boolean);
  return typeof number === 'bigint' ? formatWhole(number, spec) : formatReal(number, spec);
}

function parseSpec(text: string): Spec {
  const match = pattern.exec(text);
  if (match === null) throw valueError('Invalid format specifier');
  const [, fill, align, sign, , alternate, zero, width, grouping, precision, type] = match;
  return {
    fill: fill ?? (zero !== undefined ? '0' : ' '),
    align: (align ?? (zero !== undefined ? '=' : '')) as Spec['align'],
    sign: sign ?? '-',
    isAlternate: alternate !== undefined,
    width: Number(width ?? 0),
    grouping: (grouping ?? '') as Spec['grouping'],
    precision: precision === undefined ? null : Number(precision),
    type: type ?? '',
  };
}

function formatText(text: string, spec: Spec): string {
  if (spec.type !== '' && spec.type !== 's')
    throw valueError(`Unknown format code '${spec.type}' for object of type 'str'`);
  if (spec.grouping !== '') throw valueError(`Cannot specify '${spec.grouping}' with 's'.`);
  if (spec.sign !== '-') throw valueError('Sign not allowed in string format specifier');
  if (spec.align === '=' && spec.fill !== '0') throw valueError("'=' alignment not allowed in string format specifier");
  const cut = spec.precision === null ? text : sliceText(text, 0, spec.precision);
  return padded('', cut, { ...spec, align: spec.align === '=' || spec.align === '' ? '<' : spec.align });
}

function formatWhole(value: bigint, spec: Spec): string {
  if ('eEfFgG%'.includes(spec.type) && spec.type !== '') return formatReal(toFloat(value), spec);
  if (spec.precision !== null) throw valueError('Precision not allowed in integer format specifier');
  if (spec.type === 'c') return padded('', String.fromCodePoint(Number(value)), { ...spec, align: spec.align || '<' });
  const base = { '': 10, d: 10, n: 10, b: 2, o: 8, x: 16, X: 16 }[spec.type];
  if (base === undefined) throw valueError(`Unknown format code '${spec.type}' for object of type 'int'`);
  const magnitude = value < 0n ? -value : value;
  const digits = base === 10 ? intText(magnitude) : magnitude.toString(base);
  const prefix = spec.isAlternate && base !== 10 ? `0${spec.type}` : '';
  const size = base === 10 ? 3 : 4;
  return number(signOf(value < 0n, spec), prefix, spec.type === 'X' ? digits.toUpperCase() : digits, spec, size);
}

function formatReal(value: number, spec: Spec): string {
  const isNegative = value < 0 || Object.is(value, -0);
  allocateText(spec.precision ?? 0);
  return number(signOf(isNegative, spec), '', realDigits(Math.abs(value), spec), spec, 3);
}

function realDigits(value: number, { type, precision, isAlternate }: Spec): string {
  if (type === '') return precision === null ? floatRepr(value) : generalWithPoint(value, precision);
  if (type === '%') return `${formatFloat(value * 100, 'f', precision ?? 6, isAlternate)}%`;
  if (!'eEfFgGn'.includes(type)) throw valueError(`Unknown format code '${type}' for object of type 'float'`);
  return formatFloat(value, type === 'n' ? 'g' : type, precision ?? 6, isAlternate);
}

/** Without a type, a precision means `g`, but one digit stands behind the point at least. */
function generalWithPoint(value: number, precision: number): string {
  const digits = Math.max(1, precision);
  const text = formatFloat(value, 'g', digits, false);
  if (!Number.isFinite(value) || text.includes('e')) return text;
  if (text.includes('.')) return text;
  // `1e+01` rather than `10` where the precision has no room for the digit behind the point.
  return text.length >= digits ? formatFloat(value, 'e', digits - 1, false).replace(/\.?0+(?=e)/, '') : `${text}.0`;
}

const signOf = (isNegative: boolean, { sign }: Spec) => (isNegative ? '-' : sign === '-' ? '' : sign);

function number(sign: string, prefix: string, digits: string, spec: Spec, size: number): string {
  const fillsZeros = spec.align === '=' && spec.fill === '0';
  const room = fillsZeros ? spec.width - sign.length - prefix.length : 0;
  const grouped = spec.grouping === '' ? digits : group(digits, spec.grouping, size, room);
  return padded(sign + prefix, grouped, { ...spec, align: spec.align || '>' });
}

/** Digits of the whole part in groups; zeros that fill up are grouped too. */
function group(digits: string, separator: string, size: number, room: number): string {
  const [, whole, rest] = /^([0-9a-zA-Z]*?)((?:\.|e|%|$).*)$/s.exec(digits)!;
  const wanted = room - rest!.length;
  // The fewest digits that fill the room together with their separators.
  let count = Math.max(whole!.length, Math.floor((wanted * size) / (size + 1)));
  while (count + Math.floor((count - 1) / size) < wanted) count++;
  allocateText(count * 2);
  const filled = whole!.padStart(count, '0');
  const groups: string[] = [];
  for (let end = filled.length; end > 0; end -= size) groups.push(filled.slice(Math.max(0, end - size), end));
  return groups.toReversed().join(separator) + rest!;
}

function padded(sign: string, body: string, { fill, align, width }: Spec): string {
  const missing = width - lengthOf(sign) - lengthOf(body);
  if (missing <= 0) return sign + body;
  allocateText(width);
  if (align === '=') return sign + fill.repeat(missing) + body;
  const left = align === '<' ? 0 : align === '>' ? missing : missing >> 1;
  return fill.repeat(left) + sign + body + fill.repeat(missing - left);
}
