// SPDX-License-Identifier: Apache-2.0
import type { Engine, Slot } from '../contracts/engine.js';
import type { Named, OptionsSchema } from '../contracts/token.js';
import { sectionOf } from '../engine/plugin-shape.js';
import { isPlain } from './mistakes.js';
import { alternatives, jsonSchemaOf, type JsonSchema } from './option-schema.js';
import { engineOptions } from './engine-options.js';
import { trainOptions } from './run-config.js';
import { slotsIn } from './slot-place.js';

type Plain = Record<string, unknown>;

/**
 * The config without what its schemas mark with `.meta({ decides: false })` (threads, workers, caches, how often something
 * is written) and without plugins that only watch. A run resumes when this part is the same.
 */
export function decidingPart(engine: Engine, resolved: Readonly<Plain>): Plain {
  const silent = engine.plugins.filter(({ decides }) => decides === false);
  const sections = sectionsOf(engine);
  const ignored = silent.map(sectionOf);
  const parts = Object.entries(decided(resolved, engineOptions) as Plain)
    .filter(([key]) => !ignored.includes(key))
    .map(([key, value]) => [key, decidedKey(engine, sections, key, value)] as const);
  const plugins = engine.plugins.filter((each) => !silent.includes(each)).map(({ name }) => name);
  return { ...Object.fromEntries(parts), plugins };
}

/**
 * Keys of a config that say where something lies, which their schemas mark with `.meta({ decides: 'content' })`: a run
 * resumes when the same lies there, or elsewhere now. Who reads it registers a state that tells.
 */
export const placesIn = (engine: Engine, resolved: Readonly<Plain>): string[] =>
  pathsIn(engine, resolved, (_value, schema) => schema['decides'] === 'content');

/** Keys that have the value which their schemas give to who leaves them out. */
export const defaultsIn = (engine: Engine, resolved: Readonly<Plain>): string[] =>
  pathsIn(
    engine,
    resolved,
    (value, schema) => 'default' in schema && JSON.stringify(value) === JSON.stringify(schema['default']),
  );

type Wanted = (value: unknown, schema: JsonSchema) => boolean;

/** The keys of a config of which, with their schema, `wanted` is true. */
function pathsIn(engine: Engine, resolved: Readonly<Plain>, wanted: Wanted): string[] {
  const sections = sectionsOf(engine).set('train', trainOptions);
  const below = (value: unknown, schema: OptionsSchema | undefined, path: string): string[] =>
    schema === undefined ? [] : pathsBelow(value, jsonSchemaOf(schema), path, wanted);
  const ofChoices = (slot: Slot, value: unknown, path: string) => {
    const entries = Array.isArray(value) ? value.map((entry: unknown, at) => [entry, `${path}.${at}`] as const) : null;
    return (entries ?? [[value, path] as const]).flatMap(([entry, at]) =>
      isPlain(entry) ? [...below(entry, slot.shared, at), ...below(entry, optionsOf(engine, slot, entry), at)] : [],
    );
  };
  return Object.entries(resolved).flatMap(([key, value]) => {
    const slot = engine.slots.find((each) => each.key === key);
    if (slot !== undefined) return ofChoices(slot, value, key);
    const inner = isPlain(value) ? [...slotsIn(key, engine.slots)] : [];
    return [
      ...below(value, sections.get(key), key),
      ...inner.flatMap(([name, own]) => ofChoices(own, (value as Plain)[name], `${key}.${name}`)),
    ];
  });
}

function pathsBelow(value: unknown, schema: JsonSchema, path: string, wanted: Wanted): string[] {
  if (wanted(value, schema)) return [path];
  const forms = alternatives(schema);
  if (Array.isArray(value)) {
    const items = forms.flatMap((each) => (typeof each.items === 'object' ? [each.items] : []));
    return value.flatMap((inner, at) => items.flatMap((each) => pathsBelow(inner, each, `${path}.${at}`, wanted)));
  }
  if (!isPlain(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    forms.flatMap(({ properties }) => {
      const own = properties?.[key];
      return own === undefined ? [] : pathsBelow(inner, own, `${path}.${key}`, wanted);
    }),
  );
}

const sectionsOf = (engine: Engine): Map<string, OptionsSchema> =>
  new Map(engine.plugins.flatMap((each) => (each.options ? [[sectionOf(each), each.options]] : [])));

const optionsOf = (engine: Engine, slot: Slot, entry: Plain): OptionsSchema | undefined =>
  engine.container.resolveAll<Named>(slot.token).find(({ name }) => name === entry['name'])?.options;

function decidedKey(
  engine: Engine,
  sections: ReadonlyMap<string, OptionsSchema>,
  key: string,
  value: unknown,
): unknown {
  const slot = engine.slots.find((each) => each.key === key);
  if (slot !== undefined) return decidedChoice(engine, slot, value);
  if (key !== 'train') return decided(value, sections.get(key));
  const inner = slotsIn('train', engine.slots);
  return Object.fromEntries(
    Object.entries(decided(value, trainOptions) as Plain).map(([name, each]) => {
      const own = inner.get(name);
      return [name, own === undefined ? each : decidedChoice(engine, own, each)];
    }),
  );
}

/** A chosen value's options by its own schema and the slot's shared one. */
function decidedChoice(engine: Engine, slot: Slot, entry: unknown): unknown {
  if (Array.isArray(entry)) return entry.map((each: unknown) => decidedChoice(engine, slot, each));
  if (!isPlain(entry)) return entry;
  return decided(decided(entry, slot.shared), optionsOf(engine, slot, entry));
}

/** A value without the keys that its schema marks; what no schema describes stays. */
function decided(value: unknown, schema: OptionsSchema | undefined): unknown {
  return schema === undefined ? value : without(value, jsonSchemaOf(schema));
}

function without(value: unknown, schema: JsonSchema): unknown {
  if (!isPlain(value)) return value;
  const properties: Record<string, JsonSchema> = Object.assign(
    {},
    ...alternatives(schema).map((each) => each.properties ?? {}),
  );
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => properties[key]?.['decides'] !== false)
      .map(([key, inner]) => [key, properties[key] === undefined ? inner : without(inner, properties[key])]),
  );
}
