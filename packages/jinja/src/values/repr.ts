// SPDX-License-Identifier: Apache-2.0
import { allocateText, nested, spend, spendOnText } from '../runtime/budget.js';
import { floatRepr } from './float-repr.js';
import { intText } from './numbers.js';
import type { Value } from './value.js';

/** Python's `str(x)`: what a template prints. */
export function str(value: Value): string {
  if (typeof value === 'string') return value;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value.str() : repr(value);
}

/** Python's `repr(x)`: what a list or dict prints of its items. */
export function repr(value: Value): string {
  spend(1);
  switch (typeof value) {
    case 'string':
      return reprText(value);
    case 'bigint':
      return intText(value);
    case 'boolean':
      return value ? 'True' : 'False';
    case 'number':
      return floatRepr(value);
    default:
  }
  if (value === null) return 'None';
  return Array.isArray(value) ? `[${reprItems(value)}]` : value.repr();
}

export function reprItems(items: readonly Value[]): string {
  return nested(() => joined(items.map(repr)));
}

export function reprPairs(pairs: Iterable<readonly [Value, Value]>): string {
  return nested(() => joined(Array.from(pairs, ([key, value]) => `${repr(key)}: ${repr(value)}`)));
}

function joined(parts: readonly string[]): string {
  allocateText(parts.reduce((sum, part) => sum + part.length + 2, 0));
  return parts.join(', ');
}

const named: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
/** What Python does not print as it is: control, format, private, unassigned and separator characters but the space. */
const unprintable = /[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

/** A string as Python's source would have it: in single quotes unless only those stand inside. */
export function reprText(text: string): string {
  spendOnText(text.length);
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(unprintable, (character) => named[character] ?? escapeOf(character));
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = (digits: number) => code.toString(16).padStart(digits, '0');
  if (code < 0x100) return `\\x${hex(2)}`;
  return code < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}
