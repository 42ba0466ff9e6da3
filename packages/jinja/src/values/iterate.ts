// SPDX-License-Identifier: Apache-2.0
import { allocateItems, allocateValues, spend, spendOnText } from '../runtime/budget.js';
import { characters, lengthOf } from '../strings/code-points.js';
import { typeError } from '../template-error.js';
import { isEqual, textOf } from './equality.js';
import { Dict, DictView } from './dict.js';
import { integerOf } from './numbers.js';
import { Range } from './range.js';
import { typeName } from './type-name.js';
import { PythonObject, type Value } from './value.js';

/** An iterator or generator: it gives each item once. */
export class Iteration extends PythonObject {
  constructor(
    private readonly iterator: Iterator<Value>,
    readonly typeName = 'generator',
  ) {
    super();
  }

  override iterate(): Iterator<Value> {
    return this.iterator;
  }

  override repr(): string {
    return `<${this.typeName} object>`;
  }
}

/** Python's `iter(x)`; null: it cannot be iterated over. */
export function iteratorOf(value: Value): Iterator<Value> | null {
  if (Array.isArray(value)) return value[Symbol.iterator]();
  const text = textOf(value);
  if (text !== null) return characters(text)[Symbol.iterator]();
  return value instanceof PythonObject ? value.iterate() : null;
}

/** The items of whatever can be iterated over, one after the other. @throws TypeError. */
export function* itemsOf(value: Value): Generator<Value, void, undefined> {
  const iterator = iteratorOf(value);
  if (iterator === null) throw typeError(`'${typeName(value)}' object is not iterable`);
  for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
    spend(1);
    yield next.value;
  }
}

/** Python's `list(x)`. @throws TypeError. */
export function listOf(value: Value): Value[] {
  if (Array.isArray(value)) {
    allocateItems(value.length);
    return [...value];
  }
  const items: Value[] = [];
  for (const item of itemsOf(value)) {
    allocateValues(1);
    items.push(item);
  }
  return items;
}

/** Python's `needle in haystack`. @throws TypeError. */
export function contains(haystack: Value, needle: Value): boolean {
  const text = textOf(haystack);
  if (text !== null) return containsText(text, needle);
  if (haystack instanceof Dict) return haystack.has(needle);
  if (haystack instanceof DictView && haystack.kind === 'keys') return haystack.dict.has(needle);
  if (haystack instanceof Range) {
    const integer = integerOf(needle);
    if (integer !== null) return haystack.has(integer);
  }
  if (iteratorOf(haystack) === null) throw typeError(`argument of type '${typeName(haystack)}' is not iterable`);
  for (const item of itemsOf(haystack)) if (item === needle || isEqual(item, needle)) return true;
  return false;
}

function containsText(text: string, needle: Value): boolean {
  const part = textOf(needle);
  if (part === null) throw typeError(`'in <string>' requires string as left operand, not ${typeName(needle)}`);
  spendOnText(text.length);
  return text.includes(part);
}

/** Python's `len(x)`. @throws TypeError. */
export function lengthOfValue(value: Value): number {
  if (Array.isArray(value)) return value.length;
  const text = textOf(value);
  if (text !== null) return lengthOf(text);
  const length = value instanceof PythonObject ? value.length() : null;
  if (length === null) throw typeError(`object of type '${typeName(value)}' has no len()`);
  return length;
}
