// SPDX-License-Identifier: Apache-2.0
import { TemplateError, typeError } from '../template-error.js';
import { isEqual } from './equality.js';
import { Function } from './function.js';
import { asIndex } from './numbers.js';
import type { Value } from './value.js';

/** Methods of lists that change them: the sandbox has none of them. */
const changing = new Set(['append', 'clear', 'pop', 'reverse', 'insert', 'sort', 'extend', 'remove']);

export const changesList = (name: string): boolean => changing.has(name);

export function listAttribute(list: Value[], name: string): Value | undefined {
  if (name === 'index') return new Function(name, (args) => indexOfItem(list, args, 'list'));
  if (name === 'count') return new Function(name, (args) => countItem(list, args));
  if (name === 'copy') return new Function(name, () => [...list]);
  return undefined;
}

/** `items[key]`, counted from the end where negative; undefined: no such item. */
export function itemAt(items: readonly Value[], key: Value): Value | undefined {
  const index = asIndex(key);
  if (index === null) return undefined;
  return items[index < 0 ? items.length + index : index];
}

export function indexOfItem(items: readonly Value[], args: readonly Value[], type: string): Value {
  const [wanted, from, to] = args;
  if (wanted === undefined) throw typeError('index expected at least 1 argument, got 0');
  const start = bound(from, 0, items.length);
  const end = bound(to, items.length, items.length);
  for (let at = start; at < end; at++) if (isEqual(items[at]!, wanted)) return BigInt(at);
  throw new TemplateError(
    'runtime',
    type === 'tuple' ? 'tuple.index(x): x not in tuple' : 'value is not in list',
    'ValueError',
  );
}

export function countItem(items: readonly Value[], [wanted]: readonly Value[]): Value {
  if (wanted === undefined) throw typeError('count() takes exactly one argument (0 given)');
  return BigInt(items.filter((item) => isEqual(item, wanted)).length);
}

/** A position in a sequence as Python's methods take it. */
export function bound(value: Value | undefined, missing: number, length: number): number {
  if (value === undefined || value === null) return missing;
  const index = asIndex(value);
  if (index === null) throw typeError('slice indices must be integers or None or have an __index__ method');
  return index < 0 ? Math.max(0, length + index) : Math.min(index, length);
}
