// SPDX-License-Identifier: Apache-2.0
import { isWhitespace, stripEnd, whitespaceClass } from '../strings/whitespace.js';
import { TemplateError } from '../template-error.js';
import { unescapeString } from './string-literal.js';
import { operators, type Token, type TokenType } from './tokens.js';

const s = `[${whitespaceClass}]*`;
const sticky = (pattern: string) => new RegExp(pattern, 'suy');

/** Where a tag begins: its sign and the mark behind it that rules white space. */
const tagBegin = /\{%([-+]?)|\{\{([-+]?)|\{#([-+]?)/y;
const rawBegin = sticky(`\\{%([-+]?)${s}raw${s}(?:-%\\}${s}|%\\})`);
const rawEnd = new RegExp(`\\{%([-+]?)${s}endraw${s}(?:\\+%\\}|-%\\}${s}|%\\}\\n?)`, 'su');
const commentEnd = new RegExp(`\\+#\\}|-#\\}${s}|#\\}\\n?`, 'su');
const blockEnd = sticky(`\\+%\\}|-%\\}${s}|%\\}\\n?`);
const variableEnd = sticky(`-\\}\\}${s}|\\}\\}`);

const whitespace = sticky(`[${whitespaceClass}]+`);
const float = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iuy;
const integer = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iuy;
const name = /[\p{L}\p{N}\p{M}\p{Pc}]+/uy;
const identifier = /^[\p{XID_Start}_]\p{XID_Continue}*$/u;
const string = /'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"/suy;
const operator = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}<>=.:|,;]/uy;

/** In the order in which Jinja 2 tries them. */
const patterns = [
  ['float', float],
  ['integer', integer],
  ['name', name],
  ['string', string],
  ['operator', operator],
] as const;

const closing: Readonly<Record<string, string>> = { '{': '}', '(': ')', '[': ']' };

/**
 * The tokens of a template under Transformers' settings (trim_blocks, lstrip_blocks): the line end behind a block tag
 * goes, white space before a block tag that begins its line goes, every line end is `\n`.
 * @throws TemplateError of kind `syntax`.
 */
export function tokenize(template: string): Token[] {
  return new Lexer(normalized(template)).tokens();
}

/** All line ends as `\n`; the last one of the template does not count. */
function normalized(template: string): string {
  const source = template.replace(/\r\n|\r/g, '\n');
  return source.endsWith('\n') ? source.slice(0, -1) : source;
}

type TagKind = '{%' | '{{' | '{#' | 'raw';

class Lexer {
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  /** The last match ended with a line end, or nothing has been read: white space before a tag may go. */
  #isLineStart = true;

  constructor(private readonly source: string) {}

  tokens(): Token[] {
    while (this.#at < this.source.length) this.#root();
    this.#push('eof', '');
    return this.#tokens;
  }

  #push(type: TokenType, value: string): void {
    this.#tokens.push({ type, value, line: this.#line });
  }

  #advance(end: number): void {
    for (let at = this.source.indexOf('\n', this.#at); at !== -1 && at < end; at = this.source.indexOf('\n', at + 1)) {
      this.#line++;
    }
    this.#at = end;
    this.#isLineStart = this.source[end - 1] === '\n';
  }

  /** Text up to the next tag, then the tag. */
  #root(): void {
    const begin = this.#nextTag();
    const text = this.source.slice(this.#at, begin?.at);
    const data = begin === null ? text : this.#beforeTag(text, begin.sign, begin.kind === '{{');
    if (data !== '') this.#push('data', data);
    this.#advance(begin?.end ?? this.source.length);
    if (begin === null) return;
    if (begin.kind === 'raw') return this.#raw();
    if (begin.kind === '{#') return this.#comment();
    this.#push(begin.kind === '{{' ? 'variable_begin' : 'block_begin', '');
    this.#inside(begin.kind === '{{' ? 'variable_end' : 'block_end');
  }

  #nextTag(): { at: number; end: number; kind: TagKind; sign: string } | null {
    for (let at = this.source.indexOf('{', this.#at); at !== -1; at = this.source.indexOf('{', at + 1)) {
      const raw = matchAt(rawBegin, this.source, at);
      if (raw !== null) return { at, end: rawBegin.lastIndex, kind: 'raw', sign: raw[1]! };
      const tag = matchAt(tagBegin, this.source, at);
      if (tag === null) continue;
      return { at, end: tagBegin.lastIndex, kind: tag[0].slice(0, 2) as TagKind, sign: tag[0].slice(2) };
    }
    return null;
  }

  /** The text before a tag without the white space that the tag's mark, or lstrip_blocks, takes from it. */
  #beforeTag(text: string, sign: string, isVariable: boolean): string {
    if (sign === '-') return stripEnd(text);
    if (sign === '+' || isVariable) return text;
    const lineStart = text.lastIndexOf('\n') + 1;
    if (lineStart === 0 && !this.#isLineStart) return text;
    return isWhitespace(text.slice(lineStart)) ? text.slice(0, lineStart) : text;
  }

  #raw(): void {
    const rest = this.source.slice(this.#at);
    const end = rawEnd.exec(rest);
    if (end === null) this.#fail('Missing end of raw directive');
    const data = this.#beforeTag(rest.slice(0, end.index), end[1]!, false);
    if (data !== '') this.#push('data', data);
    this.#advance(this.#at + end.index + end[0].length);
  }

  #comment(): void {
    const end = commentEnd.exec(this.source.slice(this.#at));
    if (end === null) this.#fail('Missing end of comment tag');
    this.#advance(this.#at + end.index + end[0].length);
  }

  /** Tokens of one tag, up to and with its end. Braces inside it must close before the tag may. */
  #inside(end: 'variable_end' | 'block_end'): void {
    const open: string[] = [];
    const endPattern = end === 'variable_end' ? variableEnd : blockEnd;
    while (this.#at < this.source.length) {
      const tagEnd = open.length === 0 ? this.#peek(endPattern) : null;
      if (tagEnd === null) {
        this.#token(open);
        continue;
      }
      this.#push(end, '');
      return this.#advance(this.#at + tagEnd.length);
    }
  }

  #token(open: string[]): void {
    const space = this.#peek(whitespace);
    if (space !== null) return this.#advance(this.#at + space.length);
    for (const [type, pattern] of patterns) {
      const text = this.#peek(pattern);
      if (text === null) continue;
      this.#push(
        type === 'operator' ? operators[text as keyof typeof operators] : type,
        this.#valueOf(type, text, open),
      );
      return this.#advance(this.#at + text.length);
    }
    const character = String.fromCodePoint(this.source.codePointAt(this.#at)!);
    this.#fail(`unexpected char ${JSON.stringify(character)} at ${Array.from(this.source.slice(0, this.#at)).length}`);
  }

  #valueOf(type: (typeof patterns)[number][0], text: string, open: string[]): string {
    if (type === 'float' || type === 'integer') return text.replaceAll('_', '');
    if (type === 'name' && !identifier.test(text)) this.#fail('Invalid character in identifier');
    if (type === 'operator') balance(text, open, (message) => this.#fail(message));
    if (type !== 'string') return text;
    try {
      return unescapeString(text.slice(1, -1));
    } catch (error) {
      return this.#fail((error as Error).message);
    }
  }

  #peek(pattern: RegExp): string | null {
    return matchAt(pattern, this.source, this.#at)?.[0] ?? null;
  }

  #fail(message: string): never {
    throw new TemplateError('syntax', message, 'Error', this.#line);
  }
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function balance(sign: string, open: string[], fail: (message: string) => never): void {
  if (sign in closing) return void open.push(closing[sign]!);
  if (!'}])'.includes(sign)) return;
  const expected = open.pop();
  if (expected === undefined) fail(`unexpected '${sign}'`);
  if (expected !== sign) fail(`unexpected '${sign}', expected '${expected}'`);
}
