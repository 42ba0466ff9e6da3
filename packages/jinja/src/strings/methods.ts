// SPDX-License-Identifier: Apache-2.0
import { allocateItems, allocateText, spendOnText } from '../runtime/budget.js';
import { typeError, unsupported, valueError } from '../template-error.js';
import { bindArguments } from '../values/bind-arguments.js';
import { textOf } from '../values/equality.js';
import { Dict } from '../values/dict.js';
import { Function } from '../values/function.js';
import { itemsOf } from '../values/iterate.js';
import { bound } from '../values/list.js';
import { escapeHtml, Markup } from '../values/markup.js';
import { integerOf, asIndex } from '../values/numbers.js';
import { isTrue } from '../values/truth.js';
import { Tuple } from '../values/tuple.js';
import { typeName } from '../values/type-name.js';
import type { Named, Value } from '../values/value.js';
import { capitalize, isLower, isTitle, isUpper, swapCase, titleCase } from './case.js';
import { characterAt, characters, isSimple, lengthOf } from './code-points.js';
import { format, type Access } from './format.js';
import { split, splitFromEnd, splitLines } from './split.js';
import { isWhitespace, stripEnd, stripStart } from './whitespace.js';

/** Arguments of a method by name or place, checked as Python checks them. */
class Given {
  constructor(
    private readonly method: string,
    private readonly values: readonly (Value | undefined)[],
    readonly positional: readonly Value[],
    readonly named: Named,
  ) {}

  value(at: number): Value | undefined {
    return this.values[at];
  }

  text(at: number): string {
    const value = this.values[at]!;
    const text = textOf(value);
    if (text === null) throw typeError(`${this.method}() argument ${at + 1} must be str, not ${typeName(value)}`);
    return text;
  }

  /** null where it is None or not given. */
  optionalText(at: number): string | null {
    const value = this.values[at];
    return value === undefined || value === null ? null : this.text(at);
  }

  integer(at: number, missing: number): number {
    const value = this.values[at];
    if (value === undefined) return missing;
    const index = asIndex(value);
    if (index === null) throw typeError(`'${typeName(value)}' object cannot be interpreted as an integer`);
    return index;
  }
}

interface Method {
  readonly parameters: readonly string[];
  readonly required: number;
  /** The method takes arguments by name (most do not). */
  readonly takesNames: boolean;
  readonly run: (text: string, given: Given) => Value;
}

const method = (parameters: readonly string[], required: number, run: Method['run'], takesNames = false): Method => ({
  parameters,
  required,
  takesNames,
  run,
});
const plain = (run: (text: string) => Value): Method =>
  method([], 0, (text) => {
    allocateText(text.length);
    return run(text);
  });
/** For what looks at one character after the other, which takes memory for each. */
const byCharacter = (run: (text: string) => Value): Method =>
  method([], 0, (text) => {
    allocateItems(2 * text.length);
    return run(text);
  });

const strips = (ends: 'both' | 'start' | 'end') =>
  method(['chars'], 0, (text, given) => strip(text, given.optionalText(0), ends));
const pads = (side: 'left' | 'right' | 'both') =>
  method(['width', 'fillchar'], 1, (text, given) => pad(text, given.integer(0, 0), fillOf(given), side));
const finds = (isLast: boolean, isRequired: boolean) =>
  method(['sub', 'start', 'end'], 1, (text, given) => find(text, given, isLast, isRequired));
const checks = (isStart: boolean) =>
  method(['prefix', 'start', 'end'], 1, (text, given) => hasEdge(text, given, isStart));
const every = (pattern: RegExp) => plain((text) => pattern.test(text));

const methods: Readonly<Record<string, Method>> = Object.assign(Object.create(null) as Record<string, Method>, {
  strip: strips('both'),
  lstrip: strips('start'),
  rstrip: strips('end'),
  split: method(
    ['sep', 'maxsplit'],
    0,
    (text, given) => split(text, given.optionalText(0), given.integer(1, -1)),
    true,
  ),
  rsplit: method(
    ['sep', 'maxsplit'],
    0,
    (text, given) => splitFromEnd(text, given.optionalText(0), given.integer(1, -1)),
    true,
  ),
  splitlines: method(['keepends'], 0, (text, given) => splitLines(text, isTrue(given.value(0) ?? false)), true),
  partition: method(['sep'], 1, (text, given) => partition(text, given.text(0), false)),
  rpartition: method(['sep'], 1, (text, given) => partition(text, given.text(0), true)),
  join: method(['iterable'], 1, (text, given) => join(text, given.value(0)!)),
  replace: method(['old', 'new', 'count'], 2, (text, given) =>
    replace(text, given.text(0), given.text(1), given.integer(2, -1)),
  ),
  removeprefix: method(['prefix'], 1, (text, given) => withoutPrefix(text, given.text(0))),
  removesuffix: method(['suffix'], 1, (text, given) => withoutSuffix(text, given.text(0))),
  startswith: checks(true),
  endswith: checks(false),
  find: finds(false, false),
  rfind: finds(true, false),
  index: finds(false, true),
  rindex: finds(true, true),
  count: method(['sub', 'start', 'end'], 1, countText),
  upper: plain((text) => text.toUpperCase()),
  lower: plain((text) => text.toLowerCase()),
  casefold: plain((text) => text.replaceAll('ẞ', 'ss').toLowerCase().replaceAll('ß', 'ss').replaceAll('ς', 'σ')),
  title: byCharacter(titleCase),
  capitalize: byCharacter(capitalize),
  swapcase: byCharacter(swapCase),
  center: pads('both'),
  ljust: pads('right'),
  rjust: pads('left'),
  zfill: method(['width'], 1, (text, given) => zeroFill(text, given.integer(0, 0))),
  expandtabs: method(['tabsize'], 0, (text, given) => expandTabs(text, given.integer(0, 8)), true),
  isspace: plain(isWhitespace),
  isalpha: every(/^\p{L}+$/u),
  isdigit: every(/^[\p{Nd}²³¹⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒]+$/u),
  isdecimal: every(/^\p{Nd}+$/u),
  isnumeric: every(/^[\p{N}一二三四五六七八九十百千万億]+$/u),
  isalnum: every(/^[\p{L}\p{N}]+$/u),
  isascii: every(/^[\0-\x7f]*$/),
  isidentifier: every(/^[\p{XID_Start}_]\p{XID_Continue}*$/u),
  isprintable: every(/^(?:[^\p{C}\p{Z}]| )*$/u),
  islower: plain(isLower),
  isupper: plain(isUpper),
  istitle: byCharacter(isTitle),
} satisfies Record<string, Method>);

const refused = ['encode', 'maketrans', 'translate'];

/** A method of a string by name; of a safe string, what it gives is safe as well. */
export function stringMethod(text: string, name: string, isSafe: boolean, access: Access): Value | undefined {
  const marked = (value: Value): Value => (isSafe ? safe(value) : value);
  if (name === 'format') return new Function(name, (args, named) => marked(format(text, args, named, access)));
  if (name === 'format_map') return new Function(name, (args) => marked(formatMap(text, args, access)));
  if (refused.includes(name)) {
    return new Function(name, () => {
      throw unsupported(`the string method ${name} is not supported`);
    });
  }
  const found = methods[name];
  if (found === undefined) return undefined;
  return new Function(name, (args, named) => {
    if (named.size > 0 && !found.takesNames) throw typeError(`str.${name}() takes no keyword arguments`);
    const escaped = isSafe && (name === 'join' || name === 'replace') ? args.map(escapedArgument) : args;
    const values = bindArguments(name, found.parameters, found.required, escaped, named);
    return marked(found.run(text, new Given(name, values, escaped, named)));
  });
}

/** What goes into a safe string is escaped. */
function escapedArgument(value: Value): Value {
  if (typeof value === 'string') return escapeHtml(value);
  return Array.isArray(value) ? value.map((item) => escapeHtml(item)) : value;
}

function safe(value: Value): Value {
  if (typeof value === 'string') return new Markup(value);
  if (Array.isArray(value)) return value.map(safe);
  return value instanceof Tuple ? new Tuple(value.items.map(safe)) : value;
}

function formatMap(text: string, [mapping, ...more]: readonly Value[], access: Access): string {
  if (!(mapping instanceof Dict) || more.length > 0) throw typeError('format_map() takes exactly one mapping');
  const named = new Map(Array.from(mapping.entries(), ([key, value]) => [String(textOf(key)), value]));
  return format(text, [], named, access);
}

/** Without white space, or without any of `chars`, at its ends. */
export function strip(text: string, chars: string | null, ends: 'both' | 'start' | 'end'): string {
  spendOnText(text.length);
  if (chars === null) {
    const start = ends === 'end' ? text : stripStart(text);
    return ends === 'start' ? start : stripEnd(start);
  }
  const set = new Set(characters(chars));
  let [start, end] = [0, text.length];
  for (
    let first = firstOf(text, start);
    ends !== 'end' && start < end && set.has(first);
    first = firstOf(text, start)
  ) {
    start += first.length;
  }
  for (let last = lastOf(text, end); ends !== 'start' && end > start && set.has(last); last = lastOf(text, end)) {
    end -= last.length;
  }
  return text.slice(start, end);
}

/** The character that begins at a place, '' behind the end. */
const firstOf = (text: string, start: number): string =>
  start < text.length ? String.fromCodePoint(text.codePointAt(start)!) : '';

/** The character that ends at a place. */
const lastOf = (text: string, end: number): string => characters(text.slice(Math.max(0, end - 2), end)).at(-1) ?? '';

function partition(text: string, separator: string, isLast: boolean): Tuple {
  if (separator === '') throw valueError('empty separator');
  const at = isLast ? text.lastIndexOf(separator) : text.indexOf(separator);
  if (at === -1) return new Tuple(isLast ? ['', '', text] : [text, '', '']);
  return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)]);
}

/** @throws TypeError for items that are no strings. */
function join(separator: string, iterable: Value): string {
  const parts: string[] = [];
  let length = 0;
  for (const item of itemsOf(iterable)) {
    const text = textOf(item);
    if (text === null) throw typeError(`sequence item ${parts.length}: expected str instance, ${typeName(item)} found`);
    length += text.length + separator.length;
    parts.push(text);
  }
  allocateText(length);
  return parts.join(separator);
}

/** The first `count` occurrences replaced; all where it is negative. */
export function replace(text: string, old: string, by: string, count: number): string {
  spendOnText(text.length);
  if (count === 0 || (old !== '' && !text.includes(old))) return text;
  const parts = old === '' ? ['', ...characters(text), ''] : split(text, old, -1);
  const most = count < 0 ? parts.length - 1 : Math.min(count, parts.length - 1);
  allocateText(text.length + most * by.length);
  return parts.slice(0, most + 1).join(by) + (most + 1 < parts.length ? old + parts.slice(most + 1).join(old) : '');
}

const withoutPrefix = (text: string, prefix: string) => (text.startsWith(prefix) ? text.slice(prefix.length) : text);
const withoutSuffix = (text: string, suffix: string) =>
  suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;

/** The part of the text that `start` and `end` name, and where it begins. null: `start` lies behind the text. */
function searched(text: string, given: Given): { part: string; offset: number } | null {
  if (given.value(1) === undefined && given.value(2) === undefined) return { part: text, offset: 0 };
  const length = lengthOf(text);
  const start = startOf(given.value(1), length);
  const end = bound(given.value(2), length, length);
  if (start > length || start > end) return null;
  const part = isSimple(text) ? text.slice(start, end) : characters(text).slice(start, end).join('');
  return { part, offset: start };
}

/** Unlike in a slice, a start behind the end stays there: nothing is found, not even the empty text. */
function startOf(value: Value | undefined, length: number): number {
  if (value === undefined || value === null) return 0;
  const index = integerOf(value);
  if (index === null) throw typeError('slice indices must be integers or None or have an __index__ method');
  return index < 0n ? Math.max(0, length + Number(index)) : Number(index);
}

function find(text: string, given: Given, isLast: boolean, isRequired: boolean): bigint {
  const wanted = given.text(0);
  const range = searched(text, given);
  spendOnText(text.length);
  const unit = range === null ? -1 : isLast ? range.part.lastIndexOf(wanted) : range.part.indexOf(wanted);
  if (unit === -1 && isRequired) throw valueError('substring not found');
  return unit === -1 ? -1n : BigInt(characterAt(range!.part, unit) + range!.offset);
}

function countText(text: string, given: Given): bigint {
  const wanted = given.text(0);
  const range = searched(text, given);
  if (range === null) return 0n;
  spendOnText(text.length);
  return BigInt(wanted === '' ? lengthOf(range.part) + 1 : range.part.split(wanted).length - 1);
}

function hasEdge(text: string, given: Given, isStart: boolean): boolean {
  const wanted = given.value(0)!;
  const options = wanted instanceof Tuple ? wanted.items : [wanted];
  const range = searched(text, given);
  const texts = options.map((option) => {
    const value = textOf(option);
    if (value !== null) return value;
    const name = isStart ? 'startswith' : 'endswith';
    throw typeError(`${name} first arg must be str or a tuple of str, not ${typeName(option)}`);
  });
  return range !== null && texts.some((edge) => (isStart ? range.part.startsWith(edge) : range.part.endsWith(edge)));
}

function fillOf(given: Given): string {
  const fill = given.value(1) === undefined ? ' ' : given.text(1);
  if (lengthOf(fill) !== 1) throw typeError('The fill character must be exactly one character long');
  return fill;
}

/** With `fill` around it up to `width` characters. */
export function pad(text: string, width: number, fill: string, side: 'left' | 'right' | 'both'): string {
  const missing = width - lengthOf(text);
  if (missing <= 0) return text;
  allocateText(width);
  // Python's centre: of an odd number, the left side gets more where the width is odd.
  const left = side === 'left' ? missing : side === 'right' ? 0 : (missing >> 1) + (missing & width & 1);
  return fill.repeat(left) + text + fill.repeat(missing - left);
}

function zeroFill(text: string, width: number): string {
  const sign = /^[-+]/.test(text) ? text[0]! : '';
  return sign + pad(text.slice(sign.length), width - sign.length, '0', 'left');
}

function expandTabs(text: string, size: number): string {
  let column = 0;
  let result = '';
  for (const character of characters(text)) {
    if (character === '\t') {
      const spaces = size > 0 ? size - (column % size) : 0;
      allocateText(result.length + spaces);
      result += ' '.repeat(spaces);
      column += spaces;
    } else {
      result += character;
      column = character === '\n' || character === '\r' ? 0 : column + 1;
    }
  }
  return result;
}
