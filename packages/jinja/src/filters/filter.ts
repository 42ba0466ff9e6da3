// SPDX-License-Identifier: Apache-2.0
import { bindArguments } from '../values/bind-arguments.js';
import type { Named, Value } from '../values/value.js';

/** Filters and tests by name, for those filters that apply others. */
export interface FilterContext {
  readonly filter: (name: string, positional: readonly Value[], named: Named) => Value;
  readonly test: (name: string, positional: readonly Value[], named: Named) => boolean;
}

/** A filter: its input is the first argument. */
export type Filter = (positional: readonly Value[], named: Named, context: FilterContext) => Value;

/** A filter whose arguments can be given by name; `required` of them have no default. */
export function filter(
  name: string,
  parameters: readonly string[],
  required: number,
  run: (values: readonly (Value | undefined)[], context: FilterContext) => Value,
): readonly [string, Filter] {
  return [
    name,
    (positional, named, context) => run(bindArguments(name, parameters, required, positional, named), context),
  ];
}
