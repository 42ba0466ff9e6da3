// SPDX-License-Identifier: Apache-2.0
import { TemplateError } from '../template-error.js';
import { PythonObject } from './value.js';

/** What a missing name or attribute gives: it prints nothing, is false and empty, and refuses all else. */
export class Undefined extends PythonObject {
  readonly typeName = 'Undefined';

  constructor(
    readonly message: string,
    private readonly kind: 'undefined' | 'security' = 'undefined',
  ) {
    super();
  }

  fail(): never {
    throw new TemplateError(this.kind, this.message);
  }

  override attribute(): never {
    return this.fail();
  }

  override item(): never {
    return this.fail();
  }

  override iterate(): Iterator<never> {
    return [][Symbol.iterator]();
  }

  override length(): number {
    return 0;
  }

  override equals(other: PythonObject): boolean {
    return other instanceof Undefined;
  }

  /** All undefined values are the same key. */
  override key(): unknown {
    return Undefined;
  }

  override repr(): string {
    return 'Undefined';
  }

  override str(): string {
    return '';
  }
}
