// SPDX-License-Identifier: Apache-2.0
import { nested, spend, spendOnText } from '../runtime/budget.js';
import { Markup } from './markup.js';
import { isNumber, numberOf } from './numbers.js';
import { PythonObject, type Value } from './value.js';

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
  return a instanceof PythonObject && b instanceof PythonObject && a.equals(b);
}

/** A string, plain or safe; null for all else. */
export function textOf(value: Value): string | null {
  if (typeof value === 'string') return value;
  return value instanceof Markup ? value.text : null;
}

/** Equal items at every place. */
export function sameItems(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && nested(() => a.every((item, at) => item === b[at] || isEqual(item, b[at]!)));
}
