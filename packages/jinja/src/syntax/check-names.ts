// SPDX-License-Identifier: Apache-2.0
import { TemplateError } from '../template-error.js';
import { childrenOf } from './children.js';
import type { Expression, Statement } from './nodes.js';

/** Names of the filters and tests that there are. */
export interface KnownNames {
  readonly filters: { has(name: string): boolean };
  readonly tests: { has(name: string): boolean };
}

/**
 * An unknown filter or test is an error before anything is rendered, unless it stands inside an `if` or a conditional
 * expression: there it is one only when it is reached.
 * @throws TemplateError of kind `syntax`.
 */
export function checkNames(body: readonly Statement[], known: KnownNames): void {
  new NameCheck(known).statements(body, false);
}

class NameCheck {
  constructor(private readonly known: KnownNames) {}

  statements(body: readonly Statement[], isSoft: boolean): void {
    for (const statement of body) this.#statement(statement, isSoft);
  }

  /** Bodies of loops, macros and blocks are hard again, whatever they stand in. */
  #statement(statement: Statement, isSoft: boolean): void {
    const read = (node: Expression | null) => this.#expression(node, isSoft);
    switch (statement.kind) {
      case 'output':
        return statement.parts.forEach((part) => typeof part !== 'string' && read(part));
      case 'assign':
        return read(statement.value);
      case 'if':
        for (const { test, body } of statement.branches) {
          this.#expression(test, true);
          this.statements(body, true);
        }
        return this.statements(statement.else, true);
      case 'for':
        read(statement.iterable);
        this.#expression(statement.test, false);
        this.statements(statement.body, false);
        return this.statements(statement.else, false);
      case 'with':
        statement.values.forEach(read);
        return this.statements(statement.body, false);
      case 'macro':
      case 'call-block':
        statement.defaults.forEach((node) => this.#expression(node, false));
        if (statement.kind === 'call-block') read(statement.call);
        return this.statements(statement.body, false);
      case 'filter-block':
      case 'assign-block':
        this.#expression(statement.filter, false);
        return this.statements(statement.body, false);
      case 'generation':
      case 'autoescape':
      case 'block':
        return this.statements(statement.body, false);
      default:
    }
  }

  #expression(node: Expression | null, isSoft: boolean): void {
    if (node === null) return;
    if ((node.kind === 'filter' || node.kind === 'test') && !isSoft && !this.known[`${node.kind}s`].has(node.name))
      throw new TemplateError('syntax', `No ${node.kind} named '${node.name}'.`, 'Error', node.line);
    const isSoftBelow = isSoft || node.kind === 'conditional';
    for (const child of childrenOf(node)) this.#expression(child, isSoftBelow);
  }
}
