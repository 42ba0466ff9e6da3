// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import type { OptionsSchema } from '../contracts/token.js';
import type { ConfigPath } from './config-source.js';

/** The part of JSON Schema that zod's object schemas turn into. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema | boolean;
  readonly prefixItems?: readonly JsonSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly pattern?: string;
  readonly default?: unknown;
  readonly description?: string;
  readonly [key: string]: unknown;
}

const cache = new WeakMap<object, JsonSchema>();

/**
 * What a user may write for these options. Works on schemas of another copy of zod 4, which have the same structure;
 * of any other validator only the names of its keys are known.
 */
export function jsonSchemaOf(schema: OptionsSchema): JsonSchema {
  const known = cache.get(schema);
  if (known !== undefined) return known;
  const json = '_zod' in schema ? zodJsonSchema(schema) : namesOnly(schema);
  cache.set(schema, json);
  return json;
}

const zodJsonSchema = (schema: OptionsSchema): JsonSchema =>
  tidy(z.toJSONSchema(schema as unknown as z.ZodType, { io: 'input', unrepresentable: 'any' })) as JsonSchema;

const namesOnly = (schema: OptionsSchema): JsonSchema => ({
  type: 'object',
  properties: Object.fromEntries(keysOf(schema).map((key) => [key, {}])),
});

/** Keys that an object schema reads. */
export const keysOf = (schema: OptionsSchema | undefined): string[] => Object.keys(schema?.shape ?? {});

/** Does this schema drop unknown keys silently? (zod's default; strict and loose objects say what they want) */
export function dropsUnknownKeys(schema: OptionsSchema): boolean {
  const { _zod } = schema as unknown as { _zod?: { def?: { catchall?: unknown } } };
  return _zod?.def?.catchall === undefined;
}

/** The schema of a value inside, as far as it is described; several when alternatives allow several. */
export function schemasAt(root: JsonSchema, path: ConfigPath): JsonSchema[] {
  let nodes = alternatives(root);
  for (const step of path) nodes = nodes.flatMap((node) => childOf(node, step)).flatMap(alternatives);
  return nodes;
}

/** Keys known at a path of a schema. */
export const keysAt = (root: JsonSchema, path: ConfigPath): string[] => [
  ...new Set(schemasAt(root, path).flatMap(({ properties }) => Object.keys(properties ?? {}))),
];

export function alternatives(schema: JsonSchema): JsonSchema[] {
  const inner = schema.anyOf ?? schema.oneOf;
  return inner === undefined ? [schema] : inner.flatMap(alternatives);
}

function childOf(node: JsonSchema, step: PropertyKey): JsonSchema[] {
  const child =
    typeof step === 'number'
      ? (node.prefixItems?.[step] ?? node.items)
      : (node.properties?.[String(step)] ?? node.additionalProperties);
  return typeof child === 'object' ? [child as JsonSchema] : [];
}

/** Leaves out what zod adds for machines only: the dialect, and the range of whole numbers that doubles can hold. */
function tidy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidy);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => key !== '$schema' && key !== '~standard' && !isSafeIntegerBound(key, inner))
      .map(([key, inner]) => [key, key === 'default' || key === 'const' || key === 'enum' ? inner : tidy(inner)]),
  );
}

const isSafeIntegerBound = (key: string, value: unknown) =>
  (key === 'minimum' && value === Number.MIN_SAFE_INTEGER) || (key === 'maximum' && value === Number.MAX_SAFE_INTEGER);
