// SPDX-License-Identifier: Apache-2.0
import type { Engine, Slot } from '../contracts/engine.js';
import type { Named, OptionsSchema } from '../contracts/token.js';
import { sectionOf } from '../engine/plugin-shape.js';
import { isPlain } from './mistakes.js';
import { alternatives, jsonSchemaOf, type JsonSchema } from './option-schema.js';
import { engineOptions } from './resolve-config.js';
import { trainOptions } from './run-config.js';
import { slotsIn } from './slot-place.js';

type Plain = Record<string, unknown>;

/**
 * The config without what its schemas mark with `.meta({ decides: false })` (threads, workers, caches, how often something
 * is written) and without plugins that only watch. A run resumes when this part is the same.
 */
export function decidingPart(engine: Engine, resolved: Readonly<Plain>): Plain {
  const silent = engine.plugins.filter(({ decides }) => decides === false);
  const sections = new Map(engine.plugins.flatMap((each) => (each.options ? [[sectionOf(each), each.options]] : [])));
  const ignored = silent.map(sectionOf);
  const parts = Object.entries(decided(resolved, engineOptions) as Plain)
    .filter(([key]) => !ignored.includes(key))
    .map(([key, value]) => [key, decidedKey(engine, sections, key, value)] as const);
  const plugins = engine.plugins.filter((each) => !silent.includes(each)).map(({ name }) => name);
  return { ...Object.fromEntries(parts), plugins };
}

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
  const value: Named | undefined = engine.container.resolveAll(slot.token).find(({ name }) => name === entry['name']);
  return decided(decided(entry, slot.shared), value?.options);
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
