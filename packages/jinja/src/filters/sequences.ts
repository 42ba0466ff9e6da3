// SPDX-License-Identifier: Apache-2.0
import { allocateItems, allocateValues, spend } from '../runtime/budget.js';
import { characters } from '../strings/code-points.js';
import { typeError, TemplateError, valueError } from '../template-error.js';
import { binary } from '../values/arithmetic.js';
import { isEqual, textOf } from '../values/equality.js';
import { order } from '../values/order.js';
import { Dict } from '../values/dict.js';
import { keyOf } from '../values/hash.js';
import { itemsOf, Iteration, iteratorOf, lengthOfValue, listOf } from '../values/iterate.js';
import { asIndex } from '../values/numbers.js';
import { Range } from '../values/range.js';
import { isTrue } from '../values/truth.js';
import { Tuple } from '../values/tuple.js';
import { typeName } from '../values/type-name.js';
import { Undefined } from '../values/undefined.js';
import { definedOr, type Value } from '../values/value.js';
import { DictView } from '../values/dict.js';
import { attributeGetter, attributesGetter, ignoringCase } from './attributes.js';
import { filter } from './filter.js';

/** Filters that take a list, a dict or another sequence as a whole. */
export const sequenceFilters = [
  filter('length', ['obj'], 1, ([value]) => BigInt(lengthOfValue(value!))),
  filter('count', ['obj'], 1, ([value]) => BigInt(lengthOfValue(value!))),
  filter('list', ['value'], 1, ([value]) => listOf(value!)),
  filter('first', ['seq'], 1, ([value]) => {
    const next = iterate(value!).next();
    return next.done === true ? new Undefined('No first item, sequence was empty.') : next.value;
  }),
  filter('last', ['seq'], 1, ([value]) =>
    definedOr(reversed(value!).at(0), new Undefined('No last item, sequence was empty.')),
  ),
  filter('reverse', ['value'], 1, ([value]) => reverse(value!)),
  filter(
    'sort',
    ['value', 'reverse', 'case_sensitive', 'attribute'],
    1,
    ([value, isReverse, isSensitive, attribute]) => {
      const get = attributesGetter(attribute);
      const fold = isTrue(isSensitive ?? false) ? (key: Value) => key : ignoringCase;
      return sorted(listOf(value!), (item) => get(item).map(fold), isTrue(isReverse ?? false));
    },
  ),
  filter('unique', ['value', 'case_sensitive', 'attribute'], 1, ([value, isSensitive, attribute]) => {
    const get = attributeGetter(attribute);
    const fold = isTrue(isSensitive ?? false) ? (key: Value) => key : ignoringCase;
    return new Iteration(unique(value!, (item) => fold(get(item))));
  }),
  filter('min', ['value', 'case_sensitive', 'attribute'], 1, (values) => extreme(values, -1)),
  filter('max', ['value', 'case_sensitive', 'attribute'], 1, (values) => extreme(values, 1)),
  filter('sum', ['iterable', 'attribute', 'start'], 1, ([value, attribute, start]) => {
    if (textOf(start ?? null) !== null) throw typeError("sum() can't sum strings [use ''.join(seq) instead]");
    const get = attribute === undefined || attribute === null ? (item: Value) => item : attributeGetter(attribute);
    let total = definedOr(start, 0n);
    for (const item of itemsOf(value!)) {
      spend(2); // an attribute is looked up, an operator found
      total = binary('add', total, get(item));
    }
    return total;
  }),
  filter(
    'batch',
    ['value', 'linecount', 'fill_with'],
    2,
    ([value, size, fill]) => new Iteration(batches(value!, count(size!), fill ?? null)),
  ),
  filter(
    'slice',
    ['value', 'slices', 'fill_with'],
    2,
    ([value, size, fill]) => new Iteration(slices(value!, count(size!), fill ?? null)),
  ),
  filter('groupby', ['value', 'attribute', 'default', 'case_sensitive'], 2, groupBy),
  filter('items', ['value'], 1, ([value]) => {
    if (value instanceof Undefined) return new Iteration(value.iterate());
    if (!(value instanceof Dict)) throw typeError('Can only get item pairs from a mapping.');
    return new Iteration(new DictView(value, 'items').iterate());
  }),
  filter('dictsort', ['value', 'case_sensitive', 'by', 'reverse'], 1, dictSort),
] as const;

function iterate(value: Value): Iterator<Value> {
  const iterator = iteratorOf(value);
  if (iterator === null) throw typeError(`'${typeName(value)}' object is not iterable`);
  return iterator;
}

/** What Python's `reversed` takes: sequences and dicts, no iterators. */
function reversed(value: Value): Value[] {
  const text = textOf(value);
  if (text !== null) return characters(text).reverse();
  const isSequence =
    Array.isArray(value) ||
    value instanceof Tuple ||
    value instanceof Range ||
    value instanceof Dict ||
    value instanceof DictView ||
    value instanceof Undefined;
  if (!isSequence) throw typeError(`'${typeName(value)}' object is not reversible`);
  return listOf(value).reverse();
}

function reverse(value: Value): Value {
  const text = textOf(value);
  if (text !== null) return characters(text).reverse().join('');
  if (value instanceof Iteration) return listOf(value).reverse();
  if (iteratorOf(value) === null) throw new TemplateError('runtime', 'argument must be iterable');
  return new Iteration(reversed(value)[Symbol.iterator](), 'reversed');
}

/** Python's `sorted`: stable also in reverse. */
function sorted(items: readonly Value[], key: (item: Value) => Value, isReverse: boolean): Value[] {
  // Work on items that are in order already is no more than one comparison each, and costs time all the same.
  spend(items.length * Math.ceil(Math.log2(items.length + 1)));
  allocateItems(items.length * 4);
  const keyed = items.map((item) => ({ item, key: key(item) }));
  const direction = isReverse ? -1 : 1;
  return keyed
    .sort((a, b) => {
      const result = order(a.key, b.key);
      return Number.isNaN(result) ? 0 : direction * result;
    })
    .map(({ item }) => item);
}

function* unique(value: Value, key: (item: Value) => Value): Generator<Value, void, undefined> {
  const seen = new Set<unknown>();
  for (const item of itemsOf(value)) {
    const hash = keyOf(key(item));
    if (seen.has(hash)) continue;
    allocateValues(1);
    seen.add(hash);
    yield item;
  }
}

function extreme([value, isSensitive, attribute]: readonly (Value | undefined)[], sign: 1 | -1): Value {
  const get = attributeGetter(attribute);
  const fold = isTrue(isSensitive ?? false) ? (key: Value) => key : ignoringCase;
  let best: { item: Value; key: Value } | null = null;
  for (const item of itemsOf(value!)) {
    const key = fold(get(item));
    if (best === null || order(key, best.key, sign === 1 ? '>' : '<') === sign) best = { item, key };
  }
  return best === null ? new Undefined('No aggregated item, sequence was empty.') : best.item;
}

function count(value: Value): number {
  const index = asIndex(value);
  if (index === null) throw typeError(`'${typeName(value)}' object cannot be interpreted as an integer`);
  return index;
}

function* batches(value: Value, size: number, fill: Value): Generator<Value, void, undefined> {
  let batch: Value[] = [];
  for (const item of itemsOf(value)) {
    if (batch.length === size) {
      allocateItems(size);
      yield [...batch]; // no room for more
      batch = [];
    }
    batch.push(item);
  }
  if (batch.length === 0) return;
  if (fill !== null && batch.length < size) {
    allocateItems(size - batch.length);
    batch = [...batch, ...Array.from({ length: size - batch.length }, () => fill)];
  }
  allocateItems(batch.length);
  yield batch;
}

/** `slices` columns of nearly equal length. */
function* slices(value: Value, slices: number, fill: Value): Generator<Value, void, undefined> {
  const items = listOf(value);
  if (slices === 0) throw new TemplateError('runtime', 'integer division or modulo by zero');
  const each = Math.floor(items.length / slices);
  const longer = items.length - each * slices;
  let offset = 0;
  for (let at = 0; at < slices; at++) {
    spend(1);
    allocateItems(each + 1);
    const start = offset + at * each;
    if (at < longer) offset++;
    const part = items.slice(start, offset + (at + 1) * each);
    yield fill !== null && at >= longer ? [...part, fill] : part;
  }
}

function groupBy([value, attribute, otherwise, isSensitive]: readonly (Value | undefined)[]): Value {
  const get = attributeGetter(attribute, otherwise ?? null);
  const fold = isTrue(isSensitive ?? false) ? (key: Value) => key : ignoringCase;
  const groups: { key: Value; items: Value[] }[] = [];
  for (const item of sorted(listOf(value!), (each) => fold(get(each)), false)) {
    const key = fold(get(item));
    const last = groups.at(-1);
    if (last !== undefined && isEqual(last.key, key)) last.items.push(item);
    else {
      allocateValues(4);
      groups.push({ key, items: [item] });
    }
  }
  return groups.map(({ items }) => new Tuple([get(items[0]!), items], ['grouper', 'list']));
}

function dictSort([value, isSensitive, by, isReverse]: readonly (Value | undefined)[]): Value {
  const what = textOf(by ?? 'key');
  if (what !== 'key' && what !== 'value') throw valueError('You can only sort by either "key" or "value"');
  if (value instanceof Undefined) value.fail();
  if (!(value instanceof Dict)) throw typeError(`'${typeName(value!)}' object has no attribute 'items'`);
  const fold = isTrue(isSensitive ?? false) ? (key: Value) => key : ignoringCase;
  const pairs = new DictView(value, 'items').items() as Tuple[];
  return sorted(pairs, (pair) => fold((pair as Tuple).items[what === 'key' ? 0 : 1]!), isTrue(isReverse ?? false));
}
