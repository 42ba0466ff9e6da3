// SPDX-License-Identifier: Apache-2.0
import type { Arguments, Expression } from './nodes.js';

/** The expressions that an expression is made of, in the order in which they are read; null where one is left out. */
export function childrenOf(node: Expression): readonly (Expression | null)[] {
  switch (node.kind) {
    case 'constant':
    case 'name':
      return [];
    case 'tuple':
    case 'list':
      return node.items;
    case 'dict':
      return node.items.flat();
    case 'conditional':
      return [node.test, node.value, node.else];
    case 'and':
    case 'or':
    case 'binary':
      return [node.left, node.right];
    case 'not':
    case 'unary':
      return [node.operand];
    case 'compare':
      return [node.first, ...node.rest.map(([, operand]) => operand)];
    case 'concat':
      return node.parts;
    case 'attribute':
      return [node.object];
    case 'item':
      return [node.object, node.key];
    case 'slice':
      return [node.start, node.stop, node.step];
    case 'call':
      return [node.callee, ...argumentsOf(node)];
    case 'filter':
    case 'test':
      return [node.input, ...argumentsOf(node)];
    default:
      return node satisfies never;
  }
}

const argumentsOf = ({ positional, named, rest, namedRest }: Arguments) => [
  ...positional,
  ...named.map(([, value]) => value),
  rest,
  namedRest,
];
