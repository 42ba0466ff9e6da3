// SPDX-License-Identifier: Apache-2.0
import { alternatives, type JsonSchema } from './option-schema.js';

/** What may be written, in words: `whole number ≥ 1 or null`, `one of auto, f32, bf16`, `list of texts`. */
export function typeText(schema: JsonSchema): string {
  return [...new Set(alternatives(schema).map(singleText))].filter(Boolean).join(' or ');
}

function singleText(schema: JsonSchema): string {
  if ('const' in schema) return valueText(schema.const);
  if (schema.enum !== undefined) return `one of ${schema.enum.map(valueText).join(', ')}`;
  const types = schema.type === undefined ? [] : [schema.type].flat();
  return types.map((type) => simpleText(type, schema)).join(' or ');
}

function simpleText(type: string, schema: JsonSchema): string {
  switch (type) {
    case 'integer':
      return `whole number${rangeText(schema)}`;
    case 'number':
      return `number${rangeText(schema)}`;
    case 'string':
      return 'text';
    case 'boolean':
      return 'true or false';
    case 'array':
      return typeof schema.items === 'object' ? listText(typeText(schema.items)) : 'list';
    case 'object':
      return schema.properties ? `{ ${Object.keys(schema.properties).join(', ')} }` : 'keys with values';
    default:
      return type;
  }
}

const listText = (item: string) => (/^[a-z]+$/.test(item) ? `list of ${item}s` : `list of (${item})`);

function rangeText({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  const parts = [
    minimum === undefined ? '' : `≥ ${minimum}`,
    exclusiveMinimum === undefined ? '' : `> ${exclusiveMinimum}`,
    maximum === undefined ? '' : `≤ ${maximum}`,
    exclusiveMaximum === undefined ? '' : `< ${exclusiveMaximum}`,
  ].filter(Boolean);
  return parts.length > 0 ? ` ${parts.join(' and ')}` : '';
}

/** A value as it would be written in the config. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return /^[\w./@-]+$/.test(value) ? value : JSON.stringify(value);
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return 'a function';
  return JSON.stringify(value) ?? String(value);
}

/** A value and its type, for "got": `"abc" (text)`, `[1, 2] (list)`. */
export function gotText(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  const text = valueText(typeof value === 'string' ? value : clipped(value));
  const short = text.length > 80 ? `${text.slice(0, 77)}…` : text;
  return `${typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : short} (${kindText(value)})`;
}

function kindText(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  const kinds: Record<string, string> = { string: 'text', number: 'number', boolean: 'true or false', object: 'keys' };
  return kinds[typeof value] ?? typeof value;
}

/** Keeps a huge value from being written out to be cut again. */
const clipped = (value: unknown) => (Array.isArray(value) && value.length > 40 ? value.slice(0, 40) : value);
