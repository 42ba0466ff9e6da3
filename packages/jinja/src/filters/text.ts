// SPDX-License-Identifier: Apache-2.0
import { allocateItems, allocateText } from '../runtime/budget.js';
import { lengthOf, sliceText } from '../strings/code-points.js';
import { capitalize } from '../strings/case.js';
import { pad, replace, strip } from '../strings/methods.js';
import { percentFormat } from '../strings/percent-format.js';
import { splitFromEnd, splitLines } from '../strings/split.js';
import { whitespaceClass } from '../strings/whitespace.js';
import { TemplateError, typeError, valueError } from '../template-error.js';
import { binary } from '../values/arithmetic.js';
import { textOf } from '../values/equality.js';
import { Dict } from '../values/dict.js';
import { itemsOf, lengthOfValue } from '../values/iterate.js';
import { escapeHtml, Markup } from '../values/markup.js';
import { asIndex } from '../values/numbers.js';
import { str } from '../values/repr.js';
import { attributeOf, getAttribute } from '../values/subscript.js';
import { isTrue } from '../values/truth.js';
import { Tuple } from '../values/tuple.js';
import { typeName } from '../values/type-name.js';
import { Undefined } from '../values/undefined.js';
import { definedOr, type Value } from '../values/value.js';
import { attributeGetter } from './attributes.js';
import { filter, type Filter } from './filter.js';

/** Filters that read or give a text. */
export const textFilters: readonly (readonly [string, Filter])[] = [
  onText('upper', (text) => text.toUpperCase()),
  onText('lower', (text) => text.toLowerCase()),
  byCharacter('capitalize', capitalize),
  byCharacter('title', title),
  filter('string', ['object'], 1, ([value]) => (textOf(value!) === null ? str(value!) : value!)),
  filter('trim', ['value', 'chars'], 1, ([value, chars]) => {
    const set = chars === undefined || chars === null ? null : textOf(chars);
    if (set === null && chars !== undefined && chars !== null) throw typeError('strip arg must be None or str');
    return likeInput(value!, strip(str(value!), set, 'both'));
  }),
  filter('replace', ['s', 'old', 'new', 'count'], 3, ([value, old, by, most]) =>
    replace(str(value!), str(old!), str(by!), most === undefined || most === null ? -1 : integer(most)),
  ),
  filter('join', ['value', 'd', 'attribute'], 1, ([value, separator, attribute]) => {
    const get = attribute === undefined || attribute === null ? (item: Value) => item : attributeGetter(attribute);
    const parts: string[] = [];
    for (const item of itemsOf(value!)) parts.push(str(get(item)));
    const between = str(definedOr(separator, ''));
    allocateText(parts.reduce((sum, part) => sum + part.length + between.length, 0));
    return parts.join(between);
  }),
  filter('center', ['value', 'width'], 1, ([value, width]) =>
    likeInput(value!, pad(str(value!), width === undefined ? 80 : integer(width), ' ', 'both')),
  ),
  filter('indent', ['s', 'width', 'first', 'blank'], 1, indent),
  filter('truncate', ['s', 'length', 'killwords', 'end', 'leeway'], 1, truncate),
  filter('wordcount', ['s'], 1, ([value]) => BigInt((str(value!).match(/[\p{L}\p{N}\p{M}_]+/gu) ?? []).length)),
  ['format', format],
  filter('default', ['value', 'default_value', 'boolean'], 1, otherwise),
  filter('d', ['value', 'default_value', 'boolean'], 1, otherwise),
  filter('attr', ['obj', 'name'], 2, ([object, name]) => attribute(object!, name!)),
  filter('safe', ['value'], 1, ([value]) => new Markup(str(value!))),
  filter('escape', ['s'], 1, ([value]) => new Markup(escapeHtml(value!))),
  filter('e', ['s'], 1, ([value]) => new Markup(escapeHtml(value!))),
  filter('forceescape', ['value'], 1, ([value]) => new Markup(escapeHtml(str(value!)))),
  filter('striptags', ['value'], 1, ([value]) => stripTags(str(value!))),
  filter('urlencode', ['value'], 1, ([value]) => urlEncode(value!)),
  filter('xmlattr', ['d', 'autospace'], 1, xmlAttributes),
];

function onText(name: string, run: (text: string) => string): readonly [string, Filter] {
  return filter(name, ['s'], 1, ([value]) => {
    const given = str(value!);
    allocateText(given.length);
    return likeInput(value!, run(given));
  });
}

/** For what looks at one character after the other, which takes memory for each. */
function byCharacter(name: string, run: (text: string) => string): readonly [string, Filter] {
  return filter(name, ['s'], 1, ([value]) => {
    const given = str(value!);
    allocateItems(2 * given.length);
    return likeInput(value!, run(given));
  });
}

/** A safe string stays one. */
const likeInput = (input: Value, text: string): Value => (input instanceof Markup ? new Markup(text) : text);

function integer(value: Value): number {
  const index = asIndex(value);
  if (index === null) throw typeError(`'${typeName(value)}' object cannot be interpreted as an integer`);
  return index;
}

const wordStart = new RegExp(`([-({\\[<${whitespaceClass}]+)`);

/** Jinja 2's own rule: words begin behind white space and opening brackets. */
function title(text: string): string {
  return text
    .split(wordStart)
    .filter((word) => word !== '')
    .map((word) => {
      const [first, ...rest] = word;
      return first!.toUpperCase() + rest.join('').toLowerCase();
    })
    .join('');
}

function otherwise([value, instead, alsoFalse]: readonly (Value | undefined)[]): Value {
  const isMissing = value instanceof Undefined || (isTrue(alsoFalse ?? false) && !isTrue(value!));
  return isMissing ? definedOr(instead, '') : value!;
}

function attribute(object: Value, name: Value): Value {
  const text = textOf(name);
  if (text === null) throw typeError(`attribute name must be string, not '${typeName(name)}'`);
  if (attributeOf(object, text) === undefined)
    return new Undefined(`'${typeName(object)} object' has no attribute '${text}'`);
  return getAttribute(object, text);
}

function indent([value, width, first, blank]: readonly (Value | undefined)[]): Value {
  const text = textOf(binary('add', value!, '\n'))!;
  const given = textOf(width ?? null);
  const size = given === null ? (width === undefined ? 4 : integer(width)) : 0;
  allocateText(Math.max(0, size));
  const indention = given ?? ' '.repeat(Math.max(0, size));
  const lines = splitLines(text, false);
  allocateText(text.length + lines.length * indention.length);
  const indented = lines.map((line, at) =>
    at === 0 || (line === '' && !isTrue(blank ?? false)) ? line : indention + line,
  );
  return likeInput(value!, (isTrue(first ?? false) ? indention : '') + indented.join('\n'));
}

function truncate([value, length, killWords, end, leeway]: readonly (Value | undefined)[]): Value {
  const most = length === undefined ? 255 : integer(length);
  const ending = end === undefined ? '...' : str(end);
  const margin = leeway === undefined || leeway === null ? 5 : integer(leeway);
  const room = most - lengthOf(ending);
  if (room < 0) throw new TemplateError('runtime', `expected length >= ${lengthOf(ending)}, got ${most}`);
  if (margin < 0) throw new TemplateError('runtime', `expected leeway >= 0, got ${margin}`);
  if (lengthOfValue(value!) <= most + margin) return value!;
  const text = textOf(value!);
  if (text === null) throw typeError(`'${typeName(value!)}' cannot be truncated`);
  const cut = sliceText(text, 0, room);
  return (isTrue(killWords ?? false) ? cut : splitFromEnd(cut, ' ', 1)[0]!) + ending;
}

function format(...[positional, named]: Parameters<Filter>): Value {
  const [value, ...values] = positional;
  if (values.length > 0 && named.size > 0)
    throw new TemplateError('runtime', "can't handle positional and keyword arguments at the same time");
  const text = percentFormat(
    str(value!),
    named.size > 0 ? Dict.of(named) : new Tuple(values),
    value instanceof Markup ? escapeHtml : null,
  );
  return likeInput(value!, text);
}

/** Without what stands from `open` to `close`, in one pass however many are never closed. */
function without(text: string, open: string, close: string): string {
  const parts: string[] = [];
  let at = 0;
  for (let start = text.indexOf(open); start !== -1; start = text.indexOf(open, at)) {
    const end = text.indexOf(close, start);
    if (end === -1) break;
    allocateItems(1);
    parts.push(text.slice(at, start));
    at = end + close.length;
  }
  return parts.join('') + text.slice(at);
}

/** Without comments and tags, runs of white space as one space, entities as characters. */
function stripTags(text: string): string {
  const plain = without(without(text, '<!--', '-->'), '<', '>');
  const spaced = plain.split(new RegExp(`[${whitespaceClass}]+`)).filter((word) => word !== '');
  const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#34': '"', '#39': "'" };
  return spaced.join(' ').replace(/&(#?\w+);/g, (whole, name: string) => entities[name] ?? whole);
}

function urlEncode(value: Value): string {
  if (value instanceof Dict)
    return Array.from(
      value.entries(),
      ([key, item]) => `${quoteUrl(str(key), true)}=${quoteUrl(str(item), true)}`,
    ).join('&');
  if (textOf(value) !== null || value === null || typeof value !== 'object') return quoteUrl(str(value), false);
  const pairs: string[] = [];
  for (const pair of itemsOf(value)) {
    const [key, item, ...more] = Array.from(itemsOf(pair), str);
    if (key === undefined || item === undefined || more.length > 0)
      throw valueError('each item of urlencode is a pair of a key and a value');
    pairs.push(`${quoteUrl(key, true)}=${quoteUrl(item, true)}`);
  }
  return pairs.join('&');
}

/** Python's `quote`: in a query also the slash, and the space as plus. */
function quoteUrl(text: string, isQuery: boolean): string {
  allocateText(text.length * 3);
  const quoted = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.codePointAt(0)!.toString(16).toUpperCase()}`,
  );
  return isQuery ? quoted.replaceAll('%20', '+') : quoted.replaceAll('%2F', '/');
}

function xmlAttributes([value, spaced]: readonly (Value | undefined)[]): string {
  if (value instanceof Undefined) value.fail();
  if (!(value instanceof Dict)) throw typeError(`'${typeName(value!)}' object has no attribute 'items'`);
  const parts: string[] = [];
  for (const [key, item] of value.entries()) {
    if (item === null || item instanceof Undefined) continue;
    const name = textOf(key);
    if (name === null) throw typeError('expected string or bytes-like object');
    if (/[ \t\n\r\f\v/>=]/.test(name))
      throw new TemplateError('runtime', `Invalid character in attribute name: '${name}'`);
    parts.push(`${escapeHtml(key)}="${escapeHtml(item)}"`);
  }
  const text = parts.join(' ');
  return isTrue(spaced ?? true) && text !== '' ? ` ${text}` : text;
}
