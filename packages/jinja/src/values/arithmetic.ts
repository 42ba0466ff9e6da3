// SPDX-License-Identifier: Apache-2.0
import { allocateItems, allocateJoined, allocateText } from '../runtime/budget.js';
import { percentFormat } from '../strings/percent-format.js';
import { overflowError, TemplateError, typeError } from '../template-error.js';
import type { BinaryOperator } from '../syntax/nodes.js';
import { textOf } from './equality.js';
import { escapeHtml, Markup } from './markup.js';
import { asIndex, bitsOf, checkBits, isNumber, numberOf, type PythonNumber } from './numbers.js';
import { Tuple } from './tuple.js';
import { typeName } from './type-name.js';
import { Undefined } from './undefined.js';
import type { Value } from './value.js';
import { toFloat } from './numbers.js';

const signs: Readonly<Record<BinaryOperator, string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  floordiv: '//',
  mod: '%',
  pow: '** or pow()',
};

/** Python's `left operator right`. @throws TypeError, ZeroDivisionError, OverflowError as Python. */
export function binary(operator: BinaryOperator, left: Value, right: Value): Value {
  if (isNumber(left) && isNumber(right)) return numeric(operator, numberOf(left), numberOf(right));
  if (operator === 'mod' && textOf(left) !== null) return formatted(left, right);
  if (left instanceof Undefined) left.fail();
  if (right instanceof Undefined) right.fail();
  const result =
    operator === 'add'
      ? joined(left, right)
      : operator === 'mul'
        ? (repeated(left, right) ?? repeated(right, left))
        : null;
  if (result !== null) return result;
  throw typeError(`unsupported operand type(s) for ${signs[operator]}: '${typeName(left)}' and '${typeName(right)}'`);
}

function formatted(left: Value, right: Value): Value {
  const text = percentFormat(textOf(left)!, right, left instanceof Markup ? escapeHtml : null);
  return left instanceof Markup ? new Markup(text) : text;
}

function joined(left: Value, right: Value): Value | null {
  const [a, b] = [textOf(left), textOf(right)];
  if (a !== null && b !== null) {
    allocateJoined(a.length, b.length);
    return left instanceof Markup || right instanceof Markup ? new Markup(escapeHtml(left) + escapeHtml(right)) : a + b;
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    allocateItems(left.length + right.length);
    return [...left, ...right];
  }
  if (left instanceof Tuple && right instanceof Tuple) {
    allocateItems(left.items.length + right.items.length);
    return new Tuple([...left.items, ...right.items]);
  }
  return null;
}

function repeated(value: Value, times: Value): Value | null {
  const index = asIndex(times);
  if (index === null) return null;
  const count = Math.max(0, index);
  const text = textOf(value);
  if (text !== null) {
    if (text === '') return value;
    allocateText(text.length * count);
    return value instanceof Markup ? new Markup(text.repeat(count)) : text.repeat(count);
  }
  if (Array.isArray(value)) return repeatedItems(value, count);
  return value instanceof Tuple ? new Tuple(repeatedItems(value.items, count)) : null;
}

function repeatedItems(items: readonly Value[], count: number): Value[] {
  if (items.length === 0) return [];
  allocateItems(items.length * count);
  return Array.from({ length: count }, () => items).flat() as Value[];
}

function numeric(operator: BinaryOperator, a: PythonNumber, b: PythonNumber): PythonNumber {
  if (typeof a === 'bigint' && typeof b === 'bigint') return wholeNumbers(operator, a, b);
  return floats(operator, toFloat(a), toFloat(b));
}

function wholeNumbers(operator: BinaryOperator, a: bigint, b: bigint): PythonNumber {
  switch (operator) {
    case 'add':
      return sized(a + b);
    case 'sub':
      return sized(a - b);
    case 'mul':
      checkBits(bitsOf(a) + bitsOf(b));
      return a * b;
    case 'div':
      return dividedWhole(a, b);
    case 'floordiv':
      return floorDivided(a, b);
    case 'mod':
      return a - floorDivided(a, b) * b;
    case 'pow':
      return wholePower(a, b);
    default:
      return operator satisfies never;
  }
}

/** A sum has at most a bit more than its parts, so that it can be looked at once it is there. */
function sized(sum: bigint): bigint {
  checkBits(bitsOf(sum));
  return sum;
}

function dividedWhole(a: bigint, b: bigint): number {
  if (b === 0n) throw zeroDivision('division by zero');
  const [x, y] = [Number(a), Number(b)];
  if (Number.isSafeInteger(x) && Number.isSafeInteger(y)) return x / y;
  // Enough bits that rounding the quotient once is exact; the last one says that more would follow.
  const shift = Math.max(0, 66 + bitLength(b) - bitLength(a));
  checkBits(bitLength(a) + shift);
  const scaled = magnitude(a) << BigInt(shift);
  const quotient = scaled / magnitude(b);
  const size = Number(scaled % b === 0n ? quotient : quotient | 1n) / 2 ** shift;
  const rounded = a < 0n === b < 0n ? size : -size;
  if (!Number.isFinite(rounded)) throw overflowError('integer division result too large for a float');
  return rounded;
}

function floorDivided(a: bigint, b: bigint): bigint {
  if (b === 0n) throw zeroDivision('integer division or modulo by zero');
  checkBits(Math.max(bitsOf(a), bitsOf(b)));
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

function wholePower(a: bigint, b: bigint): PythonNumber {
  if (b < 0n) return floats('pow', toFloat(a), toFloat(b));
  if (a !== 0n && a !== 1n && a !== -1n) checkBits(bitLength(a) * Number(b));
  return a ** b;
}

const magnitude = (value: bigint) => (value < 0n ? -value : value);
const bitLength = (value: bigint) => {
  const hexadecimal = magnitude(value).toString(16);
  return hexadecimal.length * 4 - Math.clz32(Number.parseInt(hexadecimal[0]!, 16)) + 28;
};

function floats(operator: BinaryOperator, a: number, b: number): number {
  switch (operator) {
    case 'add':
      return a + b;
    case 'sub':
      return a - b;
    case 'mul':
      return a * b;
    case 'div':
      if (b === 0) throw zeroDivision('float division by zero');
      return a / b;
    case 'floordiv':
      return floorDividedFloat(a, b);
    case 'mod':
      return moduloFloat(a, b);
    case 'pow':
      return floatPower(a, b);
    default:
      return operator satisfies never;
  }
}

/** The remainder has the sign of the divisor. */
function moduloFloat(a: number, b: number): number {
  if (b === 0) throw zeroDivision('float modulo');
  const remainder = a % b;
  if (remainder === 0) return b < 0 ? -0 : 0;
  return remainder < 0 !== b < 0 ? remainder + b : remainder;
}

function floorDividedFloat(a: number, b: number): number {
  if (b === 0) throw zeroDivision('float floor division by zero');
  const remainder = a % b;
  let quotient = (a - remainder) / b;
  if (remainder !== 0 && remainder < 0 !== b < 0) quotient -= 1;
  if (quotient === 0) return Object.is(Math.sign(a / b), -0) || a / b < 0 ? -0 : 0;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

function floatPower(a: number, b: number): number {
  if (a === 0 && b < 0) throw zeroDivision('0.0 cannot be raised to a negative power');
  if (b === 0 || a === 1) return 1;
  if (a < 0 && Number.isFinite(a) && Number.isFinite(b) && !Number.isInteger(b))
    throw typeError('a negative number with a fraction as power is complex, which templates cannot use');
  const power = a ** b;
  if (!Number.isFinite(power) && Number.isFinite(a) && Number.isFinite(b))
    throw overflowError("(34, 'Numerical result out of range')");
  return a === -1 && !Number.isFinite(b) ? 1 : power;
}

const zeroDivision = (message: string) => new TemplateError('runtime', message);

/** Python's `-x` and `+x`. @throws TypeError. */
export function unary(operator: 'neg' | 'pos', value: Value): Value {
  if (value instanceof Undefined) value.fail();
  if (!isNumber(value))
    throw typeError(`bad operand type for unary ${operator === 'neg' ? '-' : '+'}: '${typeName(value)}'`);
  const number = numberOf(value);
  return operator === 'neg' ? -number : number;
}
