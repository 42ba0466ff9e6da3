// SPDX-License-Identifier: Apache-2.0
import { TemplateError } from '../template-error.js';
import { forEachName } from './names.js';
import type { Expression, MacroBody, Statement, Target } from './nodes.js';
import { readsSpecialNames } from './special-names.js';
import type { Scope } from './scope.js';

type Load = 'parameter' | 'outer' | 'context' | 'undefined';

/** Names seen so far in one scope and where their first value comes from. */
class Symbols {
  constructor(
    readonly parent: Symbols | null,
    readonly loads = new Map<string, Load>(),
    readonly stores = new Set<string>(),
  ) {}

  copy(): Symbols {
    return new Symbols(this.parent, new Map(this.loads), new Set(this.stores));
  }

  knows(name: string): boolean {
    return this.loads.has(name) || (this.parent?.knows(name) ?? false);
  }

  parameter(name: string): void {
    this.stores.add(name);
    this.loads.set(name, 'parameter');
  }

  load(name: string): void {
    if (!this.knows(name)) this.loads.set(name, 'context');
  }

  store(name: string): void {
    this.stores.add(name);
    if (this.loads.has(name)) return;
    this.loads.set(name, this.parent?.knows(name) === true ? 'outer' : 'undefined');
  }

  /** After an `if`: what only a branch sets keeps the value from outside until then. */
  merge(branches: readonly Symbols[]): void {
    const stored = new Set(branches.flatMap(({ stores }) => [...stores]));
    for (const name of this.stores) stored.delete(name);
    for (const branch of branches) {
      for (const [name, load] of branch.loads) this.loads.set(name, load);
      for (const name of branch.stores) this.stores.add(name);
    }
    for (const name of stored) this.loads.set(name, this.parent?.knows(name) === true ? 'outer' : 'context');
  }

  scope(): Scope {
    return { startUndefined: [...this.loads].filter(([, load]) => load === 'undefined').map(([name]) => name) };
  }
}

/** Finds the scopes of a template, sets them on the nodes that open one, and gives that of the template itself. */
export function resolveScopes(body: readonly Statement[]): Scope {
  const symbols = new Symbols(null);
  collect(body, symbols);
  body.forEach((statement) => enter(statement, symbols));
  return symbols.scope();
}

/** Names of the scope that a list of statements stands in; inner scopes are not looked into. */
function collect(body: readonly Statement[], symbols: Symbols): void {
  for (const statement of body) collectStatement(statement, symbols);
}

function collectStatement(statement: Statement, symbols: Symbols): void {
  switch (statement.kind) {
    case 'output':
      for (const part of statement.parts) if (typeof part !== 'string') collectExpression(part, symbols);
      return;
    case 'assign':
      collectExpression(statement.value, symbols);
      return collectTarget(statement.target, symbols);
    case 'assign-block':
      return collectTarget(statement.target, symbols);
    case 'for':
      return collectExpression(statement.iterable, symbols);
    case 'with':
      return statement.values.forEach((value) => collectExpression(value, symbols));
    case 'macro':
      return symbols.store(statement.name);
    case 'call-block':
      return collectExpression(statement.call, symbols);
    case 'filter-block':
      return collectExpression(statement.filter, symbols);
    case 'load':
      return statement.names.forEach((name) => symbols.store(name));
    case 'if':
      return collectIf(statement, symbols);
    default:
  }
}

/** As Jinja 2 does it: the tests of later branches count as part of one branch. */
function collectIf({ branches, else: otherwise }: Extract<Statement, { kind: 'if' }>, symbols: Symbols): void {
  const [first, ...later] = branches;
  collectExpression(first!.test, symbols);
  const inBranch = (work: (branch: Symbols) => void): Symbols => {
    const branch = symbols.copy();
    work(branch);
    return branch;
  };
  symbols.merge([
    inBranch((branch) => collect(first!.body, branch)),
    inBranch((branch) => {
      for (const { test, body } of later) {
        collectExpression(test, branch);
        const inner = branch.copy();
        collect(body, inner);
        branch.merge([inner]);
      }
    }),
    inBranch((branch) => collect(otherwise, branch)),
  ]);
}

function collectTarget(target: Target, symbols: Symbols): void {
  if (target.kind === 'name') symbols.store(target.name);
  else if (target.kind === 'attribute') symbols.load(target.namespace);
  else target.items.forEach((item) => collectTarget(item, symbols));
}

function collectExpression(node: Expression, symbols: Symbols): void {
  forEachName(node, (name) => symbols.load(name));
}

/** Resolves the scopes that a statement opens, and those inside them. */
function enter(statement: Statement, outer: Symbols): void {
  switch (statement.kind) {
    case 'if':
      statement.branches.forEach(({ body }) => body.forEach((inner) => enter(inner, outer)));
      return statement.else.forEach((inner) => enter(inner, outer));
    case 'for':
      return enterFor(statement, outer);
    case 'with':
      statement.scope = inner(outer, statement.body, (symbols) =>
        statement.targets.forEach((target) => declare(target, symbols)),
      );
      return;
    case 'macro':
    case 'call-block':
      return enterMacro(statement, outer);
    case 'filter-block':
    case 'assign-block':
    case 'generation':
    case 'autoescape':
      statement.scope = inner(outer, statement.body);
      return;
    case 'block':
      // A block sees the chat's values, not the variables around it.
      statement.scope = inner(null, statement.body);
      return;
    default:
  }
}

function inner(outer: Symbols | null, body: readonly Statement[], first?: (symbols: Symbols) => void): Scope {
  const symbols = new Symbols(outer);
  first?.(symbols);
  collect(body, symbols);
  body.forEach((statement) => enter(statement, symbols));
  return symbols.scope();
}

function enterFor(statement: Extract<Statement, { kind: 'for' }>, outer: Symbols): void {
  if (assignsLoop(statement))
    throw new TemplateError(
      'syntax',
      "Can't assign to special loop variable in for-loop target",
      'Error',
      statement.line,
    );
  statement.scope = inner(outer, statement.body, (symbols) => {
    symbols.parameter('loop');
    declare(statement.target, symbols);
  });
  statement.elseScope = inner(outer, statement.else);
}

function declare(target: Target, symbols: Symbols): void {
  if (target.kind === 'name') symbols.parameter(target.name);
  else if (target.kind === 'tuple') target.items.forEach((item) => declare(item, symbols));
}

function enterMacro(macro: MacroBody, outer: Symbols): void {
  macro.reads = readsSpecialNames(macro);
  macro.scope = inner(outer, macro.body, (symbols) => {
    for (const name of macro.parameters) symbols.parameter(name);
    if (macro.reads!.caller) symbols.parameter('caller');
    if (macro.reads!.kwargs) symbols.parameter('kwargs');
    if (macro.reads!.varargs) symbols.parameter('varargs');
    for (const value of macro.defaults) collectExpression(value, symbols);
  });
}

function assignsLoop(statement: Statement): boolean {
  const isLoop = (target: Target): boolean =>
    target.kind === 'tuple' ? target.items.some(isLoop) : target.kind === 'name' && target.name === 'loop';
  switch (statement.kind) {
    case 'for':
      return isLoop(statement.target) || [...statement.body, ...statement.else].some(assignsLoop);
    case 'assign':
      return isLoop(statement.target);
    case 'assign-block':
      return isLoop(statement.target) || statement.body.some(assignsLoop);
    case 'with':
      return statement.targets.some(isLoop) || statement.body.some(assignsLoop);
    case 'if':
      return [...statement.branches.flatMap(({ body }) => body), ...statement.else].some(assignsLoop);
    case 'macro':
    case 'call-block':
      return statement.parameters.includes('loop') ? false : statement.body.some(assignsLoop);
    case 'filter-block':
    case 'generation':
    case 'autoescape':
    case 'block':
      return statement.body.some(assignsLoop);
    default:
      return false;
  }
}
