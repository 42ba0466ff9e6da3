// SPDX-License-Identifier: Apache-2.0
import { allocateValues } from '../runtime/budget.js';
import { sameItems } from './equality.js';
import { Function } from './function.js';
import { keyOfItems } from './hash.js';
import { countItem, indexOfItem, itemAt } from './list.js';
import { reprItems } from './repr.js';
import { PythonObject, type Value } from './value.js';

export class Tuple extends PythonObject {
  readonly typeName = 'tuple';

  constructor(
    readonly items: readonly Value[],
    /** Names of the items of a named tuple. */
    private readonly names: readonly string[] = [],
  ) {
    super();
    allocateValues(1);
  }

  override attribute(name: string): Value | undefined {
    if (this.names.includes(name)) return this.items[this.names.indexOf(name)];
    if (name === 'index') return new Function(name, (args) => indexOfItem(this.items, args, 'tuple'));
    if (name === 'count') return new Function(name, (args) => countItem(this.items, args));
    return undefined;
  }

  override item(key: Value): Value | undefined {
    return itemAt(this.items, key);
  }

  override iterate(): Iterator<Value> {
    return this.items[Symbol.iterator]();
  }

  override length(): number {
    return this.items.length;
  }

  override equals(other: PythonObject): boolean {
    return other instanceof Tuple && sameItems(this.items, other.items);
  }

  override key(): string {
    return keyOfItems(this.items);
  }

  override repr(): string {
    return this.items.length === 1 ? `(${reprItems(this.items)},)` : `(${reprItems(this.items)})`;
  }
}
