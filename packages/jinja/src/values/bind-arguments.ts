// SPDX-License-Identifier: Apache-2.0
import { typeError } from '../template-error.js';
import type { Named, Value } from './value.js';

/**
 * Arguments in the order of `parameters`, given by place or by name; undefined where one with a default is not given.
 * @throws TypeError as Python does for too many, too few, unknown and doubled ones.
 */
export function bindArguments(
  name: string,
  parameters: readonly string[],
  required: number,
  positional: readonly Value[],
  named: Named,
): (Value | undefined)[] {
  if (positional.length > parameters.length) {
    throw typeError(`${name}() takes ${parameters.length} arguments but ${positional.length} were given`);
  }
  const bound: (Value | undefined)[] = parameters.map((_, at) => positional[at]);
  for (const [key, value] of named) {
    const at = parameters.indexOf(key);
    if (at === -1) throw typeError(`${name}() got an unexpected keyword argument '${key}'`);
    if (at < positional.length) throw typeError(`${name}() got multiple values for argument '${key}'`);
    bound[at] = value;
  }
  const missing = parameters.findIndex((_, at) => at < required && bound[at] === undefined);
  if (missing !== -1) throw typeError(`${name}() missing a required argument: '${parameters[missing]}'`);
  return bound;
}
