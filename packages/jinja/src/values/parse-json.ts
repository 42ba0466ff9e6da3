// SPDX-License-Identifier: Apache-2.0
import { JsonNumber } from './json-number.js';

/** A number whose text JavaScript would write otherwise, somewhere outside of a string or inside of one. */
const perhapsLossy = /\d[.eE]|\d{16}/;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const string = /"(?:[^"\\]|\\.)*"/sy;

/**
 * As `JSON.parse`, but numbers that a JavaScript number cannot hold as they are written come as `JsonNumber`.
 * Keys such as `__proto__` are plain keys. @throws SyntaxError as `JSON.parse` does.
 */
export function parseJson(text: string): unknown {
  const plain = JSON.parse(text) as unknown;
  return perhapsLossy.test(text) ? new Exact(text).value() : plain;
}

/** Reads text that `JSON.parse` has accepted. */
class Exact {
  #at = 0;

  constructor(private readonly text: string) {}

  value(): unknown {
    this.#skipSpace();
    switch (this.text[this.#at]) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    for (this.#open(); this.text[this.#at] !== '}'; this.#next()) {
      const key = this.#string();
      this.#skipSpace();
      this.#at++;
      // `__proto__` would set the prototype if it were assigned.
      Object.defineProperty(object, key, { value: this.value(), writable: true, enumerable: true, configurable: true });
    }
    this.#at++;
    return object;
  }

  #array(): unknown[] {
    const array: unknown[] = [];
    for (this.#open(); this.text[this.#at] !== ']'; this.#next()) array.push(this.value());
    this.#at++;
    return array;
  }

  #open(): void {
    this.#at++;
    this.#skipSpace();
  }

  /** Past the comma, if there is one. */
  #next(): void {
    this.#skipSpace();
    if (this.text[this.#at] === ',') this.#open();
  }

  #string(): string {
    string.lastIndex = this.#at;
    const [literal] = string.exec(this.text)!;
    this.#at += literal.length;
    return literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
  }

  #number(): unknown {
    number.lastIndex = this.#at;
    const [written] = number.exec(this.text)!;
    this.#at += written.length;
    const value = Number(written);
    return String(value) === written ? value : new JsonNumber(written);
  }

  #word<T>(word: string, value: T): T {
    this.#at += word.length;
    return value;
  }

  #skipSpace(): void {
    while (' \n\r\t'.includes(this.text[this.#at] ?? 'x')) this.#at++;
  }
}
