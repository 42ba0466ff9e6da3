// SPDX-License-Identifier: Apache-2.0
import type { Arguments, Compare, Comparison, Conditional, Expression, Filter, Test } from '../syntax/nodes.js';
import { TemplateError, typeError } from '../template-error.js';
import { binary, unary } from '../values/arithmetic.js';
import { isEqual, textOf } from '../values/equality.js';
import { order } from '../values/order.js';
import { Dict } from '../values/dict.js';
import { contains, itemsOf } from '../values/iterate.js';
import { str } from '../values/repr.js';
import { getAttribute, getItem, getSlice } from '../values/subscript.js';
import { isTrue } from '../values/truth.js';
import { Tuple } from '../values/tuple.js';
import { typeName } from '../values/type-name.js';
import { Undefined } from '../values/undefined.js';
import { Callable, type Named, type Value } from '../values/value.js';
import { filters, type FilterContext } from '../filters/index.js';
import { tests } from '../filters/tests.js';
import { allocateItems, allocateJoined, spend } from './budget.js';
import type { Variables } from './variables.js';

const noNames: Named = new Map();

/** The value of an expression among variables. */
export function evaluate(node: Expression, variables: Variables): Value {
  spend(1);
  switch (node.kind) {
    case 'constant':
      return node.value;
    case 'name':
      return variables.get(node.name);
    case 'attribute':
      return getAttribute(evaluate(node.object, variables), node.name);
    case 'item':
      return subscript(node.object, node.key, variables);
    case 'conditional':
      return conditional(node, variables);
    case 'and': {
      const left = evaluate(node.left, variables);
      return isTrue(left) ? evaluate(node.right, variables) : left;
    }
    case 'or': {
      const left = evaluate(node.left, variables);
      return isTrue(left) ? left : evaluate(node.right, variables);
    }
    case 'not':
      return !isTrue(evaluate(node.operand, variables));
    case 'compare':
      return compare(node, variables);
    case 'binary':
      return binary(node.operator, evaluate(node.left, variables), evaluate(node.right, variables));
    case 'unary':
      return unary(node.operator, evaluate(node.operand, variables));
    case 'concat':
      return concat(node.parts, variables);
    case 'tuple':
      return new Tuple(evaluateAll(node.items, variables));
    case 'list':
      return evaluateAll(node.items, variables);
    case 'dict':
      allocateItems(node.items.length * 4);
      return Dict.of(node.items.map(([key, value]) => [evaluate(key, variables), evaluate(value, variables)]));
    case 'call': {
      const callee = evaluate(node.callee, variables);
      const { positional, named } = evaluateArguments(node, variables);
      return call(callee, positional, named);
    }
    case 'filter':
      return applyFilter(node, evaluate(node.input!, variables), variables);
    case 'test':
      return applyTest(node, variables);
    case 'slice':
      throw typeError('a slice stands only behind a sequence');
    default:
      return node satisfies never;
  }
}

function evaluateAll(nodes: readonly Expression[], variables: Variables): Value[] {
  allocateItems(nodes.length);
  return nodes.map((node) => evaluate(node, variables));
}

function subscript(objectNode: Expression, key: Expression, variables: Variables): Value {
  const object = evaluate(objectNode, variables);
  if (key.kind !== 'slice') return getItem(object, evaluate(key, variables));
  const part = (node: Expression | null) => (node === null ? null : evaluate(node, variables));
  return getSlice(object, part(key.start), part(key.stop), part(key.step));
}

function conditional(node: Conditional, variables: Variables): Value {
  if (isTrue(evaluate(node.test, variables))) return evaluate(node.value, variables);
  if (node.else !== null) return evaluate(node.else, variables);
  return new Undefined(
    `the inline if-expression on line ${node.line} evaluated to false and no else section was defined.`,
  );
}

/** `a < b < c` is `a < b and b < c`, each evaluated once. */
function compare({ first, rest }: Compare, variables: Variables): Value {
  let left = evaluate(first, variables);
  for (const [sign, node] of rest) {
    const right = evaluate(node, variables);
    if (!holds(sign, left, right)) return false;
    left = right;
  }
  return true;
}

function holds(sign: Comparison, left: Value, right: Value): boolean {
  switch (sign) {
    case 'eq':
      return isEqual(left, right);
    case 'ne':
      return !isEqual(left, right);
    case 'lt':
      return order(left, right, '<') < 0;
    case 'lteq':
      return order(left, right, '<=') <= 0;
    case 'gt':
      return order(left, right, '>') > 0;
    case 'gteq':
      return order(left, right, '>=') >= 0;
    case 'in':
      return contains(right, left);
    case 'notin':
      return !contains(right, left);
    default:
      return sign satisfies never;
  }
}

function concat(parts: readonly Expression[], variables: Variables): string {
  let text = '';
  for (const value of parts.map((part) => evaluate(part, variables))) {
    const part = str(value);
    allocateJoined(text.length, part.length);
    text += part;
  }
  return text;
}

export function evaluateArguments(
  { positional, named, rest, namedRest }: Arguments,
  variables: Variables,
): { positional: Value[]; named: Named } {
  const values = positional.map((node) => evaluate(node, variables));
  const names =
    named.length === 0 && namedRest === null
      ? noNames
      : new Map(named.map(([name, node]) => [name, evaluate(node, variables)]));
  if (rest !== null) for (const item of itemsOf(evaluate(rest, variables))) values.push(item);
  if (namedRest !== null) addNamed(names as Map<string, Value>, evaluate(namedRest, variables));
  return { positional: values, named: names };
}

function addNamed(names: Map<string, Value>, mapping: Value): void {
  if (mapping instanceof Undefined) mapping.fail();
  if (!(mapping instanceof Dict)) throw typeError(`argument after ** must be a mapping, not ${typeName(mapping)}`);
  for (const [key, value] of mapping.entries()) {
    const name = textOf(key);
    if (name === null) throw typeError('keywords must be strings');
    if (names.has(name)) throw typeError(`got multiple values for keyword argument '${name}'`);
    names.set(name, value);
  }
}

export function call(callee: Value, positional: readonly Value[], named: Named): Value {
  if (callee instanceof Undefined) callee.fail();
  if (!(callee instanceof Callable)) throw typeError(`'${typeName(callee)}' object is not callable`);
  return callee.call(positional, named);
}

/** What filters that apply others by name (`map`, `select`) need. */
const context: FilterContext = {
  filter: (name, positional, named) => filterNamed(name)(positional, named, context),
  test: (name, positional, named) => isTrue(testNamed(name)(positional, named)),
};

export function applyFilter(node: Filter, input: Value, variables: Variables): Value {
  const { positional, named } = evaluateArguments(node, variables);
  return filterNamed(node.name)([input, ...positional], named, context);
}

function applyTest(node: Test, variables: Variables): boolean {
  const input = evaluate(node.input, variables);
  const { positional, named } = evaluateArguments(node, variables);
  return isTrue(testNamed(node.name)([input, ...positional], named));
}

function filterNamed(name: string) {
  const filter = filters.get(name);
  if (filter === undefined) throw new TemplateError('runtime', `No filter named '${name}' found.`);
  return filter;
}

function testNamed(name: string) {
  const test = tests.get(name);
  if (test === undefined) throw new TemplateError('runtime', `No test named '${name}' found.`);
  return test;
}
