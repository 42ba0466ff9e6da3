// SPDX-License-Identifier: Apache-2.0
import { nested, spend, spendOnText } from '../runtime/budget.js';
import { compareCodePoints } from '../strings/code-points.js';
import { typeError } from '../template-error.js';
import { Dict, DictView } from './dict.js';
import { Markup } from './markup.js';
import { isNumber, numberOf } from './numbers.js';
import { Range } from './range.js';
import { Tuple } from './tuple.js';
import { typeName } from './type-name.js';
import { Undefined } from './undefined.js';
import type { Value } from './value.js';

/** Python's `==`: numbers by value whatever their type, lists and dicts by their items. */
export function isEqual(a: Value, b: Value): boolean {
  spend(1);
  if (isNumber(a) && isNumber(b)) return numberOf(a) == numberOf(b);
  if (a === b) return true;
  const [text, otherText] = [textOf(a), textOf(b)];
  if (text !== null || otherText !== null) {
    if (text?.length === otherText?.length) spendOnText(text!.length);
    return text === otherText;
  }
  if (Array.isArray(a)) return Array.isArray(b) && sameItems(a, b);
  if (a instanceof Tuple) return b instanceof Tuple && sameItems(a.items, b.items);
  if (a instanceof Dict) return b instanceof Dict && sameEntries(a, b);
  if (a instanceof Range) return b instanceof Range && a.equals(b);
  if (a instanceof DictView) return b instanceof DictView && sameViews(a, b);
  return a instanceof Undefined && b instanceof Undefined;
}

/** A string, plain or safe; null for all else. */
export function textOf(value: Value): string | null {
  if (typeof value === 'string') return value;
  return value instanceof Markup ? value.text : null;
}

function sameItems(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && nested(() => a.every((item, at) => item === b[at] || isEqual(item, b[at]!)));
}

function sameEntries(a: Dict, b: Dict): boolean {
  if (a.size !== b.size) return false;
  return nested(() => {
    for (const [key, value] of a.entries()) {
      const other = b.get(key);
      if (other === undefined || (value !== other && !isEqual(value, other))) return false;
    }
    return true;
  });
}

/** Keys and items are sets to Python; values are equal only to themselves. */
function sameViews(a: DictView, b: DictView): boolean {
  if (a.kind === 'values' || b.kind === 'values' || a.kind !== b.kind || a.dict.size !== b.dict.size) return false;
  if (a.kind === 'items') return sameEntries(a.dict, b.dict);
  return a.dict.keys().every((key) => b.dict.has(key));
}

/**
 * -1, 0 or 1 as `a` stands before, with or behind `b`; NaN stands nowhere and gives NaN.
 * @throws TypeError where Python knows no order.
 */
export function order(a: Value, b: Value, sign = '<'): number {
  spend(1);
  if (isNumber(a) && isNumber(b)) return orderNumbers(numberOf(a), numberOf(b));
  const [text, otherText] = [textOf(a), textOf(b)];
  if (text !== null && otherText !== null) {
    spendOnText(Math.min(text.length, otherText.length));
    return compareCodePoints(text, otherText);
  }
  if (a instanceof Undefined) a.fail();
  if (b instanceof Undefined) b.fail();
  if (Array.isArray(a) && Array.isArray(b)) return orderItems(a, b, sign);
  if (a instanceof Tuple && b instanceof Tuple) return orderItems(a.items, b.items, sign);
  throw typeError(`'${sign}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

function orderNumbers(a: bigint | number, b: bigint | number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return a == b ? 0 : NaN;
}

function orderItems(a: readonly Value[], b: readonly Value[], sign: string): number {
  const shared = Math.min(a.length, b.length);
  return nested(() => {
    for (let at = 0; at < shared; at++) {
      if (a[at] !== b[at] && !isEqual(a[at]!, b[at]!)) return order(a[at]!, b[at]!, sign);
    }
    return Math.sign(a.length - b.length);
  });
}
