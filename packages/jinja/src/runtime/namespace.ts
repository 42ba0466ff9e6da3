// SPDX-License-Identifier: Apache-2.0
import { typeError } from '../template-error.js';
import { Dict } from '../values/dict.js';
import { itemsOf, listOf } from '../values/iterate.js';
import { PythonObject, type Named, type Value } from '../values/value.js';

/** `namespace(…)`: the one object whose attributes a template may set. */
export class Namespace extends PythonObject {
  readonly typeName = 'Namespace';
  readonly #values: Dict;

  constructor(positional: readonly Value[], named: Named) {
    super();
    this.#values = dictFrom('namespace', positional, named);
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  override attribute(name: string): Value | undefined {
    return this.#values.get(name);
  }

  override isTrue(): boolean {
    return true;
  }

  override repr(): string {
    return `<Namespace ${this.#values.repr()}>`;
  }
}

/** Python's `dict(pairs, **named)`. @throws TypeError. */
export function dictFrom(name: string, positional: readonly Value[], named: Named): Dict {
  const [source, ...more] = positional;
  if (more.length > 0) throw typeError(`${name} expected at most 1 argument, got ${positional.length}`);
  const dict = source instanceof Dict ? Dict.of(source.entries()) : new Dict();
  if (source !== undefined && !(source instanceof Dict)) {
    for (const pair of itemsOf(source)) {
      const [key, value, ...rest] = listOf(pair);
      if (key === undefined || value === undefined || rest.length > 0)
        throw typeError('dictionary update sequence element has the wrong length; 2 is required');
      dict.set(key, value);
    }
  }
  for (const [key, value] of named) dict.set(key, value);
  return dict;
}
