// SPDX-License-Identifier: Apache-2.0
import { isLower, isUpper } from '../strings/case.js';
import { typeError } from '../template-error.js';
import { binary } from '../values/arithmetic.js';
import { isEqual, textOf } from '../values/equality.js';
import { order } from '../values/order.js';
import { Dict } from '../values/dict.js';
import { contains, iteratorOf } from '../values/iterate.js';
import { Markup } from '../values/markup.js';
import { Range } from '../values/range.js';
import { str } from '../values/repr.js';
import { isTrue } from '../values/truth.js';
import { Tuple } from '../values/tuple.js';
import { Undefined } from '../values/undefined.js';
import { Callable, type Named, type Value } from '../values/value.js';
import { filters } from './index.js';

export type TemplateTest = (positional: readonly Value[], named: Named) => Value;

const one = (run: (value: Value) => Value): TemplateTest => counted(1, ([value]) => run(value!));
const two = (run: (value: Value, other: Value) => Value): TemplateTest => counted(2, ([a, b]) => run(a!, b!));

/** What stands behind `is`. The input is the first argument. */
export const tests: ReadonlyMap<string, TemplateTest> = new Map(
  Object.entries({
    odd: one((value) => isEqual(binary('mod', value, 2n), 1n)),
    even: one((value) => isEqual(binary('mod', value, 2n), 0n)),
    divisibleby: two((value, by) => isEqual(binary('mod', value, by), 0n)),
    defined: one((value) => !(value instanceof Undefined)),
    undefined: one((value) => value instanceof Undefined),
    filter: one((value) => filters.has(str(value))),
    test: one((value) => tests.has(str(value))),
    none: one((value) => value === null),
    boolean: one((value) => typeof value === 'boolean'),
    false: one((value) => value === false),
    true: one((value) => value === true),
    integer: one((value) => typeof value === 'bigint'),
    float: one((value) => typeof value === 'number'),
    lower: one((value) => isLower(str(value))),
    upper: one((value) => isUpper(str(value))),
    string: one((value) => textOf(value) !== null),
    mapping: one((value) => value instanceof Dict),
    number: one((value) => ['bigint', 'number', 'boolean'].includes(typeof value)),
    sequence: one(isSequence),
    iterable: one((value) => iteratorOf(value) !== null),
    callable: one((value) => value instanceof Callable || value instanceof Undefined),
    sameas: two((value, other) => value === other),
    escaped: one((value) => value instanceof Markup),
    in: two((value, sequence) => contains(sequence, value)),
    ...comparisons(),
  }),
);

/** Something with a length whose items can be asked for: dicts too. */
function isSequence(value: Value): boolean {
  return (
    textOf(value) !== null ||
    Array.isArray(value) ||
    [Tuple, Dict, Range, Undefined].some((type) => value instanceof type)
  );
}

function comparisons(): Record<string, TemplateTest> {
  const equal = two(isEqual);
  const unequal = two((a, b) => !isEqual(a, b));
  const greater = two((a, b) => order(a, b, '>') > 0);
  const atLeast = two((a, b) => order(a, b, '>=') >= 0);
  const less = two((a, b) => order(a, b, '<') < 0);
  const atMost = two((a, b) => order(a, b, '<=') <= 0);
  return {
    '==': equal,
    eq: equal,
    equalto: equal,
    '!=': unequal,
    ne: unequal,
    '>': greater,
    gt: greater,
    greaterthan: greater,
    '>=': atLeast,
    ge: atLeast,
    '<': less,
    lt: less,
    lessthan: less,
    '<=': atMost,
    le: atMost,
  };
}

function counted(count: number, run: (values: readonly Value[]) => Value): TemplateTest {
  return (positional, named) => {
    const values = [...positional, ...named.values()];
    if (values.length !== count) throw typeError(`the test takes ${count} argument(s), ${values.length} were given`);
    return isTrue(run(values));
  };
}
