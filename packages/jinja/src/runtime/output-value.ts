// SPDX-License-Identifier: Apache-2.0
import type { Expression } from '../syntax/nodes.js';
import { childrenOf } from '../syntax/children.js';
import { TemplateError } from '../template-error.js';
import { Undefined } from '../values/undefined.js';
import type { Value } from '../values/value.js';
import { evaluate } from './evaluator.js';
import type { Variables } from './variables.js';

/**
 * What `{{ node }}` writes. Jinja 2 computes constants before a template runs, and there a slice of what has no parts is
 * undefined where a running template fails (nodes.py, Getitem.as_const; compiler.py, visit_Output).
 */
export function outputValue(node: Expression, variables: Variables): Value {
  try {
    return evaluate(node, variables);
  } catch (error) {
    if (!isSliceOfConstant(node) || !(error instanceof TemplateError) || error.exception !== 'TypeError') throw error;
    evaluate(node.object, variables); // what fails inside fails there too
    return new Undefined('a constant has no such part');
  }
}

const isSliceOfConstant = (node: Expression): node is Expression & { kind: 'item' } =>
  node.kind === 'item' && node.key.kind === 'slice' && isConstant(node);

/** Filters that see the context are not computed before. */
const ofContext: ReadonlySet<string> = new Set(['map', 'select', 'reject', 'selectattr', 'rejectattr', 'random']);

function isConstant(node: Expression | null): boolean {
  if (node === null) return true;
  if (node.kind === 'name' || node.kind === 'call') return false;
  if (node.kind === 'filter' && ofContext.has(node.name)) return false;
  return childrenOf(node).every(isConstant);
}
