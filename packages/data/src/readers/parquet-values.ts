// SPDX-License-Identifier: Apache-2.0
import { JsonNumber, parseJson } from '@llmf/jinja';
import type { ParquetParsers, SchemaTree } from 'hyparquet';
import { OtherValue } from './row-reader.js';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * How typed bytes become values, where the library's own way would lose what they say: a time is no text, and text has
 * to be UTF-8.
 */
export const parquetParsers: Partial<ParquetParsers> = {
  dateFromDays: (days: number) => isoText(days * 86_400_000)?.slice(0, 10) ?? new OtherValue('a date out of range'),
  timestampFromMilliseconds: (count: bigint) => timestamp(count),
  timestampFromMicroseconds: (count: bigint) => timestamp(count / 1000n),
  timestampFromNanoseconds: (count: bigint) => timestamp(count / 1_000_000n),
  stringFromBytes: (bytes: Uint8Array) => bytes && utf8Text(bytes),
  jsonFromBytes: (bytes: Uint8Array) => bytes && jsonValue(utf8Text(bytes)),
};

const timestamp = (milliseconds: bigint) =>
  new OtherValue(`a date with a time (${isoText(Number(milliseconds)) ?? 'out of range'})`);

function isoText(milliseconds: number): string | null {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

function utf8Text(bytes: Uint8Array): string | OtherValue {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return new OtherValue('text that is not UTF-8');
  }
}

function jsonValue(text: string | OtherValue): unknown {
  try {
    return typeof text === 'string' ? parseJson(text) : text;
  } catch {
    return text;
  }
}

/** Turns what the decoder gives for a column into plain JSON values, knowing the column's type. */
export type ToPlain = (value: unknown) => unknown;

/**
 * A struct has a null for every field that any row has; inside of one a null says that the field is not there. Floats
 * stay floats (1.0), decimals keep their digits, integers are bigints only where a number would lose digits.
 */
export function plainOf(node: SchemaTree): ToPlain {
  const present = (convert: ToPlain): ToPlain => {
    return (value) => (value === null || value === undefined ? null : convert(value));
  };
  if (node.children.length === 0) return repeated(node, present(leaf(node)));
  const type = node.element.converted_type;
  const [inner] = node.children;
  if (type === 'LIST' && node.children.length === 1) {
    const item = inner!.children.length === 1 ? plainOf(inner!.children[0]!) : plainOfOne(inner!);
    return present((value) => (Array.isArray(value) ? value.map(item) : value));
  }
  return repeated(node, present(type === 'MAP' && inner!.children.length === 2 ? mapOf(inner!) : struct(node)));
}

/** The node without its repetition: the item of a list that has no level of its own. */
const plainOfOne = (node: SchemaTree): ToPlain =>
  plainOf({ ...node, element: { ...node.element, repetition_type: 'OPTIONAL' } });

/** A field that repeats without a list around it. */
const repeated = (node: SchemaTree, convert: ToPlain): ToPlain =>
  node.element.repetition_type === 'REPEATED'
    ? (value) => (Array.isArray(value) ? value.map(convert) : convert(value))
    : convert;

function struct(node: SchemaTree): ToPlain {
  const fields = node.children.map((child) => [child.element.name, plainOf(child)] as const);
  return (value) => {
    const given = fields.map(([name, convert]) => [name, convert((value as Record<string, unknown>)[name])] as const);
    return Object.fromEntries(given.filter(([, inner]) => inner !== null));
  };
}

function mapOf(pair: SchemaTree): ToPlain {
  const convert = plainOf(pair.children[1]!);
  return (value) => {
    const entries = Object.entries(value as object).map(([key, inner]) => [key, convert(inner)] as const);
    return Object.fromEntries(entries.filter(([, inner]) => inner !== null));
  };
}

function leaf({ element }: SchemaTree): ToPlain {
  const { type, converted_type: converted, logical_type: logical, scale = 0 } = element;
  if (converted === 'DECIMAL') return (value) => decimal(value as number, scale);
  if (converted === 'TIME_MILLIS' || converted === 'TIME_MICROS' || logical?.type === 'TIME')
    return () => new OtherValue('a time of day');
  if (converted === 'ENUM' || logical?.type === 'ENUM') return (value) => text(value);
  if (type === 'FLOAT' || type === 'DOUBLE' || logical?.type === 'FLOAT16') return (value) => float(value as number);
  return plainLeaf;
}

function plainLeaf(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  // The decoder's bytes are a view into the column's.
  return value instanceof Uint8Array ? Uint8Array.from(value) : value;
}

const text = (value: unknown) => (value instanceof Uint8Array ? utf8Text(value) : value);

function float(value: number): unknown {
  const written = JsonNumber.float(value);
  return String(value) === written.text ? value : written;
}

/** The decoder gives a decimal as a number; its digits are known as long as the number is exact. */
function decimal(value: number, scale: number): unknown {
  const digits = Math.round(value * 10 ** scale);
  if (!Number.isSafeInteger(digits)) return new OtherValue('a decimal of more than 15 digits');
  return new JsonNumber((digits / 10 ** scale).toFixed(scale));
}
