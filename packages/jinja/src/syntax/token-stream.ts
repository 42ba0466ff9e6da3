// SPDX-License-Identifier: Apache-2.0
import { TemplateError } from '../template-error.js';
import { describeToken, type Token, type TokenType } from './tokens.js';

/** Tokens with the one that is looked at. */
export class TokenStream {
  #at = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  get current(): Token {
    return this.tokens[this.#at]!;
  }

  get following(): Token {
    return this.tokens[Math.min(this.#at + 1, this.tokens.length - 1)]!;
  }

  /** The current token; the next one becomes current. */
  next(): Token {
    const token = this.current;
    if (this.#at < this.tokens.length - 1) this.#at++;
    return token;
  }

  is(type: TokenType, value?: string): boolean {
    return this.current.type === type && (value === undefined || this.current.value === value);
  }

  isName(...names: readonly string[]): boolean {
    return this.current.type === 'name' && names.includes(this.current.value);
  }

  skipIf(type: TokenType, value?: string): boolean {
    const matches = this.is(type, value);
    if (matches) this.next();
    return matches;
  }

  /** @throws TemplateError unless the current token is of this type (and value). */
  expect(type: TokenType, value?: string): Token {
    if (this.is(type, value)) return this.next();
    const wanted = value ?? describeToken({ type, value: type, line: 0 });
    if (this.is('eof')) this.fail(`unexpected end of template, expected '${wanted}'.`);
    return this.fail(`expected token '${wanted}', got '${describeToken(this.current)}'`);
  }

  fail(message: string, line = this.current.line): never {
    throw new TemplateError('syntax', message, 'Error', line);
  }
}
