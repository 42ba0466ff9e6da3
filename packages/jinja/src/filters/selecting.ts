// SPDX-License-Identifier: Apache-2.0
import { TemplateError } from '../template-error.js';
import { itemsOf, Iteration } from '../values/iterate.js';
import { str } from '../values/repr.js';
import { isTrue } from '../values/truth.js';
import type { Named, Value } from '../values/value.js';
import { attributeGetter } from './attributes.js';
import type { Filter, FilterContext } from './filter.js';

/** Filters that apply a filter or a test to each item; what they give is computed as it is asked for. */
export const selectingFilters: readonly (readonly [string, Filter])[] = [
  ['map', (positional, named, context) => lazily(positional, (rest) => mapper(rest, named, context), map)],
  ['select', selecting(true, false)],
  ['reject', selecting(false, false)],
  ['selectattr', selecting(true, true)],
  ['rejectattr', selecting(false, true)],
];

type Items<T> = (value: Value, apply: (item: Value) => T) => Generator<Value, void, undefined>;

/** Arguments are looked at when the first item is asked for, and not at all where there is none. */
function lazily<T>(
  [value, ...rest]: readonly Value[],
  prepare: (rest: readonly Value[]) => (item: Value) => T,
  items: Items<T>,
): Value {
  function* generate(): Generator<Value, void, undefined> {
    if (isTrue(value!)) yield* items(value!, prepare(rest));
  }
  return new Iteration(generate());
}

function* map(value: Value, apply: (item: Value) => Value): Generator<Value, void, undefined> {
  for (const item of itemsOf(value)) yield apply(item);
}

function* select(value: Value, isWanted: (item: Value) => boolean): Generator<Value, void, undefined> {
  for (const item of itemsOf(value)) if (isWanted(item)) yield item;
}

/** `map(attribute='…')`, or `map('filter', …)`. */
function mapper(rest: readonly Value[], named: Named, context: FilterContext): (item: Value) => Value {
  if (rest.length === 0 && named.has('attribute')) {
    const unknown = [...named.keys()].find((name) => name !== 'attribute' && name !== 'default');
    if (unknown !== undefined) throw new TemplateError('runtime', `Unexpected keyword argument '${unknown}'`);
    return attributeGetter(named.get('attribute'), named.get('default') ?? null);
  }
  const [name, ...args] = rest;
  if (name === undefined) throw new TemplateError('runtime', 'map requires a filter argument');
  return (item) => context.filter(str(name), [item, ...args], named);
}

function selecting(keeps: boolean, byAttribute: boolean): Filter {
  return (positional, named, context) =>
    lazily(
      positional,
      (rest) => {
        const [attribute, ...others] = rest;
        if (byAttribute && attribute === undefined)
          throw new TemplateError('runtime', 'Missing parameter for attribute name');
        const get = byAttribute ? attributeGetter(attribute) : (item: Value) => item;
        const [test, ...args] = byAttribute ? others : rest;
        const holds = test === undefined ? isTrue : (item: Value) => context.test(str(test), [item, ...args], named);
        return (item: Value) => holds(get(item)) === keeps;
      },
      select,
    );
}
