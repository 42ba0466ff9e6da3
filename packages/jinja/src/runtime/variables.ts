// SPDX-License-Identifier: Apache-2.0
import type { Scope } from '../syntax/scope.js';
import { Undefined } from '../values/undefined.js';
import type { Value } from '../values/value.js';

/** Where a chain of scopes ends: the chat's values, what the template set at its top, and the environment's functions. */
export interface Context {
  resolve(name: string): Value | undefined;
}

/** Variables of one scope while it runs; null: not set, and outer scopes are not asked. */
export class Variables {
  readonly #values = new Map<string, Value | undefined>();

  constructor(
    readonly outer: Variables | null,
    private readonly context: Context,
    scope: Scope,
  ) {
    for (const name of scope.startUndefined) this.#values.set(name, undefined);
  }

  inner(scope: Scope): Variables {
    return new Variables(this, this.context, scope);
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  /** It is known to be undefined, whatever outer scopes hold. */
  declare(name: string): void {
    this.#values.set(name, undefined);
  }

  get(name: string): Value {
    const value = this.find(name);
    return value === undefined ? new Undefined(`'${name}' is undefined`) : value;
  }

  find(name: string): Value | undefined {
    const value = this.#values.get(name);
    if (value !== undefined || this.#values.has(name)) return value;
    return this.outer === null ? this.context.resolve(name) : this.outer.find(name);
  }

  /** All that is set here and in outer scopes, for a scoped block. */
  visible(): Map<string, Value> {
    const all = this.outer?.visible() ?? new Map<string, Value>();
    for (const [name, value] of this.#values) if (value !== undefined) all.set(name, value);
    return all;
  }
}
