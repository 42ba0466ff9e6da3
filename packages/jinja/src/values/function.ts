// SPDX-License-Identifier: Apache-2.0
import { Callable, type Named, type Value } from './value.js';

export type Body = (positional: readonly Value[], named: Named) => Value;

/** A function or method of the environment. */
export class Function extends Callable {
  readonly typeName = 'function';

  constructor(
    readonly name: string,
    private readonly body: Body,
  ) {
    super();
  }

  override call(positional: readonly Value[], named: Named): Value {
    return this.body(positional, named);
  }

  override repr(): string {
    return `<function ${this.name}>`;
  }
}
