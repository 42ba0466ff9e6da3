// SPDX-License-Identifier: Apache-2.0
import { allocateItems, allocateValues, nested } from '../runtime/budget.js';
import { typeError } from '../template-error.js';
import { bindArguments } from './bind-arguments.js';
import { isEqual } from './equality.js';
import { Function } from './function.js';
import { keyOf, unhashable } from './hash.js';
import { reprItems, reprPairs } from './repr.js';
import { Tuple } from './tuple.js';
import { definedOr, PythonObject, type Value } from './value.js';

/** Methods of dicts that change them: the sandbox has none of them. */
const changing = new Set(['clear', 'pop', 'popitem', 'setdefault', 'update']);

/** A dict: keys in the order in which they came, 1 and 1.0 and True the same key. */
export class Dict extends PythonObject {
  readonly typeName = 'dict';
  readonly #entries = new Map<unknown, readonly [Value, Value]>();

  static of(pairs: Iterable<readonly [Value, Value]>): Dict {
    const dict = new Dict();
    for (const [key, value] of pairs) dict.set(key, value);
    return dict;
  }

  get size(): number {
    return this.#entries.size;
  }

  set(key: Value, value: Value): void {
    allocateValues(2);
    const hash = keyOf(key);
    this.#entries.set(hash, [this.#entries.get(hash)?.[0] ?? key, value]);
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(keyOf(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#entries.has(keyOf(key));
  }

  keys(): Value[] {
    return [...this.#entries.values()].map(([key]) => key);
  }

  entries(): IterableIterator<readonly [Value, Value]> {
    return this.#entries.values();
  }

  static changes(name: string): boolean {
    return changing.has(name);
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case 'keys':
      case 'values':
      case 'items':
        return new Function(name, () => new DictView(this, name));
      case 'get':
        return new Function(name, (args, named) => {
          if (named.size > 0) throw typeError('dict.get() takes no keyword arguments');
          const [key, otherwise] = bindArguments('get', ['key', 'default'], 1, args, named);
          return definedOr(this.get(key!), definedOr(otherwise, null));
        });
      case 'copy':
        return new Function(name, () => Dict.of(this.entries()));
      default:
        return undefined;
    }
  }

  /** A key that cannot be one is a missing one to who asks for an item. */
  override item(key: Value): Value | undefined {
    return this.get(key);
  }

  override *iterate(): Iterator<Value> {
    for (const [key] of this.#entries.values()) yield key;
  }

  override length(): number {
    return this.#entries.size;
  }

  override equals(other: PythonObject): boolean {
    return other instanceof Dict && this.hasEntriesOf(other);
  }

  /** The same keys with equal values, in whatever order. */
  hasEntriesOf(other: Dict): boolean {
    if (this.size !== other.size) return false;
    return nested(() => {
      for (const [key, value] of this.entries()) {
        const found = other.get(key);
        if (found === undefined || (value !== found && !isEqual(value, found))) return false;
      }
      return true;
    });
  }

  override key(): never {
    throw unhashable(this);
  }

  override repr(): string {
    return `{${reprPairs(this.entries())}}`;
  }
}

/** `keys()`, `values()` and `items()`: no list, but something to iterate over. */
export class DictView extends PythonObject {
  readonly typeName: string;

  constructor(
    readonly dict: Dict,
    readonly kind: 'keys' | 'values' | 'items',
  ) {
    super();
    this.typeName = `dict_${kind}`;
  }

  override *iterate(): Iterator<Value> {
    for (const [key, value] of this.dict.entries()) {
      yield this.kind === 'keys' ? key : this.kind === 'values' ? value : new Tuple([key, value]);
    }
  }

  items(): Value[] {
    allocateItems(this.dict.size);
    const items: Value[] = [];
    const iterator = this.iterate();
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) items.push(next.value);
    return items;
  }

  override length(): number {
    return this.dict.size;
  }

  /** Keys and items are sets to Python; values are equal only to themselves. */
  override equals(other: PythonObject): boolean {
    if (!(other instanceof DictView) || other.kind !== this.kind || this.kind === 'values') return false;
    if (this.kind === 'items') return this.dict.hasEntriesOf(other.dict);
    return this.dict.size === other.dict.size && this.dict.keys().every((key) => other.dict.has(key));
  }

  override key(): never {
    throw unhashable(this);
  }

  override repr(): string {
    return `${this.typeName}([${reprItems(this.items())}])`;
  }
}
