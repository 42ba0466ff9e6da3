// SPDX-License-Identifier: Apache-2.0
import { allocateValues } from './budget.js';
import { typeError } from '../template-error.js';
import { isEqual } from '../values/equality.js';
import { Function } from '../values/function.js';
import { iteratorOf } from '../values/iterate.js';
import { Tuple } from '../values/tuple.js';
import { typeName } from '../values/type-name.js';
import { Undefined } from '../values/undefined.js';
import { Callable, definedOr, PythonObject, type Value } from '../values/value.js';

/** `loop`: where a loop stands. It looks one item ahead only when asked, as Jinja 2's does. */
export class LoopContext extends Callable {
  readonly typeName = 'LoopContext';
  #index0 = -1;
  #iterator: Iterator<Value>;
  #length: number | null = null;
  #current: Value | undefined;
  #before: Value | undefined;
  #after: { readonly item: Value | undefined } | null = null;
  #lastChanged: Tuple | null = null;

  constructor(
    private readonly iterable: Value,
    private readonly recurse: ((iterable: Value, depth: number) => Value) | null,
    private readonly depth0: number,
  ) {
    super();
    const iterator = iteratorOf(iterable);
    if (iterator === null) throw typeError(`'${typeName(iterable)}' object is not iterable`);
    this.#iterator = iterator;
  }

  /** The next item; undefined at the end. */
  next(): Value | undefined {
    const item = this.#after === null ? this.#take() : this.#after.item;
    if (item === undefined) return undefined;
    this.#after = null;
    this.#index0++;
    this.#before = this.#current;
    this.#current = item;
    return item;
  }

  #take(): Value | undefined {
    const next = this.#iterator.next();
    return next.done === true ? undefined : next.value;
  }

  #peek(): Value | undefined {
    this.#after ??= { item: this.#take() };
    return this.#after.item;
  }

  /** Of a generator only its end tells, so it is read to the end. */
  override length(): number {
    if (this.#length !== null) return this.#length;
    const known = Array.isArray(this.iterable) ? this.iterable.length : knownLength(this.iterable);
    if (known !== null) return (this.#length = known);
    const rest: Value[] = [];
    for (let item = this.#take(); item !== undefined; item = this.#take()) {
      allocateValues(1);
      rest.push(item);
    }
    this.#iterator = rest[Symbol.iterator]();
    this.#length = rest.length + this.#index0 + 1 + (this.#after?.item !== undefined ? 1 : 0);
    return this.#length;
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case 'index':
        return BigInt(this.#index0 + 1);
      case 'index0':
        return BigInt(this.#index0);
      case 'revindex':
        return BigInt(this.length() - this.#index0);
      case 'revindex0':
        return BigInt(this.length() - this.#index0 - 1);
      case 'first':
        return this.#index0 === 0;
      case 'last':
        return this.#peek() === undefined;
      case 'length':
        return BigInt(this.length());
      case 'depth':
        return BigInt(this.depth0 + 1);
      case 'depth0':
        return BigInt(this.depth0);
      case 'previtem':
        return definedOr(this.#index0 === 0 ? undefined : this.#before, new Undefined('there is no previous item'));
      case 'nextitem':
        return definedOr(this.#peek(), new Undefined('there is no next item'));
      case 'cycle':
        return new Function(name, (values) => this.#cycle(values));
      case 'changed':
        return new Function(name, (values) => this.#changed(values));
      default:
        return undefined;
    }
  }

  #cycle(values: readonly Value[]): Value {
    if (values.length === 0) throw typeError('no items for cycling given');
    return values[this.#index0 % values.length]!;
  }

  #changed(values: readonly Value[]): boolean {
    const tuple = new Tuple(values);
    if (this.#lastChanged !== null && isEqual(this.#lastChanged, tuple)) return false;
    this.#lastChanged = tuple;
    return true;
  }

  override call(positional: readonly Value[]): Value {
    if (this.recurse === null) throw typeError("The loop must have the 'recursive' marker to be called recursively.");
    if (positional.length !== 1) throw typeError('a recursive loop takes one thing to go through');
    return this.recurse(positional[0]!, this.depth0 + 1);
  }

  override repr(): string {
    return `<LoopContext ${this.#index0 + 1}/${this.length()}>`;
  }
}

function knownLength(iterable: Value): number | null {
  if (typeof iterable === 'string') return [...iterable].length;
  return iterable instanceof PythonObject ? iterable.length() : null;
}
