// SPDX-License-Identifier: Apache-2.0
import { textOf } from '../values/equality.js';
import { getItem } from '../values/subscript.js';
import { Undefined } from '../values/undefined.js';
import type { Value } from '../values/value.js';

/**
 * Reads an attribute by its path (`a.b.0`), as `map`, `selectattr`, `sort` and others name it; null: the item itself.
 * `otherwise` stands in for what is undefined on the way.
 */
export function attributeGetter(attribute: Value | undefined, otherwise: Value | null = null): (item: Value) => Value {
  const steps = pathOf(attribute ?? null);
  return (item) =>
    steps.reduce((value: Value, step) => {
      const next = getItem(value, step);
      return otherwise !== null && next instanceof Undefined ? otherwise : next;
    }, item);
}

function pathOf(attribute: Value): Value[] {
  if (attribute === null) return [];
  const text = textOf(attribute);
  if (text === null) return [attribute];
  return text.split('.').map((part) => (/^\p{Nd}+$/u.test(part) ? BigInt(part) : part));
}

/** Several attributes, with commas between their paths. */
export function attributesGetter(attribute: Value | undefined): (item: Value) => Value[] {
  const text = textOf(attribute ?? null);
  const getters = text === null ? [attributeGetter(attribute)] : text.split(',').map((path) => attributeGetter(path));
  return (item) => getters.map((get) => get(item));
}

/** Strings compare without regard to case unless asked. */
export function ignoringCase(value: Value): Value {
  const text = textOf(value);
  return text === null ? value : text.toLowerCase();
}
