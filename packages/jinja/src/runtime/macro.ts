// SPDX-License-Identifier: Apache-2.0
import type { MacroBody } from '../syntax/nodes.js';
import { typeError } from '../template-error.js';
import { Dict } from '../values/dict.js';
import { Tuple } from '../values/tuple.js';
import { Undefined } from '../values/undefined.js';
import { Callable, type Named, type Value } from '../values/value.js';

/** What a macro's body starts with: its parameters (undefined where not given) and the special names that it reads. */
export interface MacroArguments {
  readonly parameters: readonly (Value | undefined)[];
  readonly special: ReadonlyMap<string, Value>;
}

/** A macro, or the body of a call block (which has no name). */
export class MacroFunction extends Callable {
  readonly typeName = 'Macro';

  constructor(
    private readonly macro: MacroBody,
    readonly name: string | null,
    private readonly run: (given: MacroArguments) => string,
  ) {
    super();
  }

  override call(positional: readonly Value[], named: Named): string {
    const { parameters } = this.macro;
    const rest = new Map(named);
    const bound: (Value | undefined)[] = positional.slice(0, parameters.length);
    let foundCaller = bound.length === parameters.length ? parameters.includes('caller') : false;
    for (const name of parameters.slice(bound.length)) {
      if (name === 'caller') foundCaller = true;
      bound.push(rest.get(name));
      rest.delete(name);
    }
    const special = this.#special(positional, rest, foundCaller);
    return this.run({ parameters: bound, special });
  }

  #special(positional: readonly Value[], rest: Map<string, Value>, foundCaller: boolean): Map<string, Value> {
    const reads = this.macro.reads!;
    const special = new Map<string, Value>();
    if (reads.caller && !foundCaller) {
      special.set('caller', rest.get('caller') ?? new Undefined('No caller defined'));
      rest.delete('caller');
    }
    if (reads.kwargs) special.set('kwargs', Dict.of(rest));
    else if (rest.size > 0) this.#refuseNamed(rest);
    const { length } = this.macro.parameters;
    if (reads.varargs) special.set('varargs', new Tuple(positional.slice(length)));
    else if (positional.length > length)
      throw typeError(`macro '${this.name}' takes not more than ${length} argument(s)`);
    return special;
  }

  #refuseNamed(rest: ReadonlyMap<string, Value>): never {
    if (rest.has('caller'))
      throw typeError(
        `macro '${this.name}' was invoked with two values for the special caller argument. This is most likely a bug.`,
      );
    throw typeError(`macro '${this.name}' takes no keyword argument '${[...rest.keys()][0]}'`);
  }

  override attribute(name: string): Value | undefined {
    const reads = this.macro.reads!;
    switch (name) {
      case 'name':
        return this.name;
      case 'arguments':
        return new Tuple(this.macro.parameters);
      case 'caller':
        return reads.caller;
      case 'catch_kwargs':
        return reads.kwargs;
      case 'catch_varargs':
        return reads.varargs;
      case 'explicit_caller':
        return this.macro.parameters.includes('caller');
      default:
        return undefined;
    }
  }

  override repr(): string {
    return this.name === null ? '<Macro anonymous>' : `<Macro '${this.name}'>`;
  }
}
