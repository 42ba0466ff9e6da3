// SPDX-License-Identifier: Apache-2.0
import { TemplateError } from '../template-error.js';
import type { Expression, MacroBody, Statement, Target } from './nodes.js';
import { forEachName } from './names.js';

const special = ['caller', 'kwargs', 'varargs'] as const;

/**
 * Which of `caller`, `kwargs` and `varargs` a macro's body reads before it sets them, inner macros and loops included:
 * only such a macro takes them.
 */
export function readsSpecialNames(macro: MacroBody): { caller: boolean; kwargs: boolean; varargs: boolean } {
  const watched = new Set<string>(special);
  const read = new Set<string>();
  const visit: Visit = {
    load: (name) => void (watched.has(name) && read.add(name)),
    store: (name) => void watched.delete(name),
  };
  visitStatements(macro.body, visit);
  if (read.has('caller')) checkCallerDefault(macro);
  const isTaken = (name: string) => read.has(name) && !macro.parameters.includes(name);
  return { caller: read.has('caller'), kwargs: isTaken('kwargs'), varargs: isTaken('varargs') };
}

function checkCallerDefault({ parameters, defaults, line }: MacroBody): void {
  const at = parameters.indexOf('caller');
  if (at === -1 || parameters.length - at <= defaults.length) return;
  throw new TemplateError(
    'syntax',
    'When defining macros or call blocks the special "caller" argument must be omitted or be given a default.',
    'Error',
    line,
  );
}

interface Visit {
  load(name: string): void;
  store(name: string): void;
}

function visitStatements(body: readonly Statement[], visit: Visit): void {
  for (const statement of body) visitStatement(statement, visit);
}

function visitStatement(statement: Statement, visit: Visit): void {
  const read = (node: Expression | null) => forEachName(node, visit.load);
  switch (statement.kind) {
    case 'output':
      return statement.parts.forEach((part) => typeof part !== 'string' && read(part));
    case 'assign':
      visitTarget(statement.target, visit);
      return read(statement.value);
    case 'assign-block':
      visitTarget(statement.target, visit);
      read(statement.filter);
      return visitStatements(statement.body, visit);
    case 'for':
      visitTarget(statement.target, visit);
      read(statement.iterable);
      visitStatements(statement.body, visit);
      visitStatements(statement.else, visit);
      return read(statement.test);
    case 'if':
      for (const { test, body } of statement.branches) {
        read(test);
        visitStatements(body, visit);
      }
      return visitStatements(statement.else, visit);
    case 'with':
      statement.targets.forEach((target) => visitTarget(target, visit));
      statement.values.forEach(read);
      return visitStatements(statement.body, visit);
    case 'macro':
    case 'call-block':
      if (statement.kind === 'call-block') read(statement.call);
      statement.parameters.forEach((name) => visit.store(name));
      statement.defaults.forEach(read);
      return visitStatements(statement.body, visit);
    case 'filter-block':
      visitStatements(statement.body, visit);
      return read(statement.filter);
    case 'generation':
    case 'autoescape':
      return visitStatements(statement.body, visit);
    default:
  }
}

function visitTarget(target: Target, visit: Visit): void {
  if (target.kind === 'name') visit.store(target.name);
  else if (target.kind === 'tuple') target.items.forEach((item) => visitTarget(item, visit));
}
