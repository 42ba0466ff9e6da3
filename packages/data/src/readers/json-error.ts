// SPDX-License-Identifier: Apache-2.0
/** Where and why a text is not JSON (RFC 8259). */
export interface JsonFault {
  /** UTF-16 index of the first character that cannot stand there. */
  readonly index: number;
  readonly problem: string;
}

/**
 * Finds the first fault of a text that `JSON.parse` refused. V8's own messages name no position for many faults, and
 * none says what a person would: a trailing comma, a comment, an unquoted key.
 */
export function findJsonFault(text: string): JsonFault {
  const parser = new FaultFinder(text);
  try {
    parser.value();
    parser.space();
    if (parser.at < text.length) parser.fail('there is more text behind the value');
  } catch (fault) {
    if (fault instanceof Fault) return fault;
    // A text nested too deep for recursion: JSON.parse gave up the same way.
    return { index: parser.at, problem: 'it is nested too deep' };
  }
  return { index: 0, problem: 'it was refused by the JSON parser' };
}

class Fault implements JsonFault {
  constructor(
    readonly index: number,
    readonly problem: string,
  ) {}
}

class FaultFinder {
  at = 0;
  constructor(private readonly text: string) {}

  fail(problem: string, index = this.at): never {
    throw new Fault(index, problem);
  }

  space(): void {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'x')) this.at++;
    if (this.text.startsWith('//', this.at) || this.text.startsWith('/*', this.at)) {
      this.fail('comments are not allowed in JSON');
    }
  }

  value(): void {
    this.space();
    const character = this.text[this.at];
    if (character === undefined) this.fail('the text ends where a value should be');
    if (character === '{') return this.object();
    if (character === '[') return this.array();
    if (character === '"') return this.string();
    this.scalar();
  }

  object(): void {
    const open = this.at++;
    this.space();
    if (this.text[this.at] === '}') return void this.at++;
    for (;;) {
      this.space();
      const character = this.text[this.at];
      if (character === undefined) this.fail('the text ends inside an object, "}" is missing', open);
      if (character === '}') this.fail('there is a comma before "}"');
      if (character !== '"') this.fail('a key must be a string in double quotes');
      this.string();
      this.space();
      if (this.text[this.at] !== ':') this.fail('":" is missing behind a key');
      this.at++;
      this.value();
      if (this.next('}', open, 'an object')) return;
    }
  }

  array(): void {
    const open = this.at++;
    this.space();
    if (this.text[this.at] === ']') return void this.at++;
    for (;;) {
      this.space();
      if (this.text[this.at] === ']') this.fail('there is a comma before "]"');
      this.value();
      if (this.next(']', open, 'an array')) return;
    }
  }

  /** Behind an element: true at the closing bracket, false behind a comma. */
  next(close: string, open: number, what: string): boolean {
    this.space();
    const character = this.text[this.at];
    if (character === undefined) this.fail(`the text ends inside ${what}, "${close}" is missing`, open);
    if (character !== ',' && character !== close) this.fail(`"," or "${close}" is missing before ${shown(character)}`);
    this.at++;
    return character === close;
  }

  string(): void {
    const open = this.at++;
    for (;;) {
      const character = this.text[this.at];
      if (character === undefined) this.fail('a string is never closed', open);
      if (character === '"') return void this.at++;
      if (character < ' ') this.fail('a control character (a line break?) stands inside a string; write \\n');
      if (character === '\\') this.escape();
      else this.at++;
    }
  }

  escape(): void {
    const escaped = /^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(this.text.slice(this.at, this.at + 6));
    if (escaped === null) this.fail(`${shown(this.text.slice(this.at, this.at + 2))} is not an escape that JSON knows`);
    this.at += escaped[0].length;
  }

  scalar(): void {
    const word = /^[^\s,:{}[\]"]*/.exec(this.text.slice(this.at, this.at + 64))![0];
    const isValue =
      ['true', 'false', 'null'].includes(word) || /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(word);
    if (!isValue) this.fail(`${shown(word || this.text[this.at]!)} is not a JSON value`);
    this.at += word.length;
  }
}

const shown = (text: string) => JSON.stringify(text.length > 24 ? `${text.slice(0, 24)}…` : text);
