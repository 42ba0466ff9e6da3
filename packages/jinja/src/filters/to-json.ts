// SPDX-License-Identifier: Apache-2.0
import { allocateText, nested, spend, spendOnText } from '../runtime/budget.js';
import { typeError, valueError } from '../template-error.js';
import { textOf } from '../values/equality.js';
import { order } from '../values/order.js';
import { Dict } from '../values/dict.js';
import { floatRepr } from '../values/float-repr.js';
import { listOf } from '../values/iterate.js';
import { asIndex, intText } from '../values/numbers.js';
import { isTrue } from '../values/truth.js';
import { Tuple } from '../values/tuple.js';
import { typeName } from '../values/type-name.js';
import type { Value } from '../values/value.js';
import { filter } from './filter.js';

/** `tojson` as Transformers sets it: Python's `json.dumps`, letters of all scripts as they are, nothing escaped for HTML. */
export const toJsonFilter = filter(
  'tojson',
  ['x', 'ensure_ascii', 'indent', 'separators', 'sort_keys'],
  1,
  ([value, ensureAscii, indent, separators, sortKeys]) => {
    const indention = indentionOf(indent ?? null);
    const [item, key] = separatorsOf(separators ?? null, indention !== null);
    const writer = new Writer(isTrue(ensureAscii ?? false), indention, item, key, isTrue(sortKeys ?? false));
    return writer.write(value!, 0);
  },
);

/** JSON of a value in the same form, for what is written into a text without a template. */
export const toJson = (value: Value): string => new Writer(false, null, ', ', ': ', false).write(value, 0);

function indentionOf(indent: Value): string | null {
  if (indent === null) return null;
  const text = textOf(indent);
  if (text !== null) return text;
  const size = asIndex(indent);
  if (size === null) throw typeError(`can't multiply sequence by non-int of type '${typeName(indent)}'`);
  allocateText(Math.max(0, size));
  return ' '.repeat(Math.max(0, size));
}

function separatorsOf(separators: Value, isIndented: boolean): [string, string] {
  if (separators === null) return [isIndented ? ',' : ', ', ': '];
  const parts = listOf(separators).map(textOf);
  if (parts.length !== 2) throw valueError('separators are two: between items, and behind keys');
  if (parts[0] === null || parts[1] === null) throw typeError('separators must be strings');
  return parts as [string, string];
}

class Writer {
  constructor(
    private readonly isAscii: boolean,
    private readonly indention: string | null,
    private readonly itemSeparator: string,
    private readonly keySeparator: string,
    private readonly sortsKeys: boolean,
  ) {}

  /** @throws TypeError for what JSON has no form for, undefined values among it. */
  write(value: Value, level: number): string {
    spend(1);
    const text = textOf(value);
    if (text !== null) return this.#string(text);
    const scalar = scalarText(value);
    if (scalar !== null) return scalar;
    if (Array.isArray(value) || value instanceof Tuple) return this.#list(listOf(value), level);
    if (value instanceof Dict) return this.#dict(value, level);
    throw typeError(`Object of type ${typeName(value)} is not JSON serializable`);
  }

  #list(items: readonly Value[], level: number): string {
    if (items.length === 0) return '[]';
    return nested(() =>
      this.#around(
        '[',
        items.map((item) => this.write(item, level + 1)),
        ']',
        level,
      ),
    );
  }

  #dict(dict: Dict, level: number): string {
    if (dict.size === 0) return '{}';
    const entries = [...dict.entries()];
    if (this.sortsKeys) entries.sort(([a], [b]) => order(a, b));
    const parts = () =>
      entries.map(([key, value]) => this.#string(keyText(key)) + this.keySeparator + this.write(value, level + 1));
    return nested(() => this.#around('{', parts(), '}', level));
  }

  #around(open: string, parts: readonly string[], close: string, level: number): string {
    const line = (depth: number) => (this.indention === null ? '' : `\n${this.indention.repeat(depth)}`);
    const indented = (this.indention?.length ?? 0) * (level + 1) + 1;
    allocateText(parts.reduce((sum, part) => sum + part.length + this.itemSeparator.length + indented, indented));
    return open + line(level + 1) + parts.join(this.itemSeparator + line(level + 1)) + line(level) + close;
  }

  #string(text: string): string {
    spendOnText(text.length);
    const pattern = this.isAscii ? escapedInAscii : escapedAlways;
    const escaped = text.replace(pattern, (unit) => escapes[unit] ?? escapeOf(unit));
    return `"${escaped}"`;
  }
}

const always = '"\\\\\\x00-\\x1f';
const escapedAlways = new RegExp(`[${always}]`, 'g');
const escapedInAscii = new RegExp(`[${always}\\u0080-\\uffff]`, 'g');

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
  '\b': '\\b',
};

const escapeOf = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

function scalarText(value: Value): string | null {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return intText(value);
  if (typeof value !== 'number') return null;
  return Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? floatRepr(value) : value > 0 ? 'Infinity' : '-Infinity';
}

function keyText(key: Value): string {
  const text = textOf(key) ?? scalarText(key);
  if (text === null) throw typeError(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
  return text;
}
