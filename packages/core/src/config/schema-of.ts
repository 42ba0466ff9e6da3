// SPDX-License-Identifier: Apache-2.0
import type { Engine, Slot } from '../contracts/engine.js';
import type { Named } from '../contracts/token.js';
import { sectionOf } from '../engine/plugin-shape.js';
import { jsonSchemaOf, type JsonSchema } from './option-schema.js';
import { engineOptions } from './engine-options.js';
import { trainOptions } from './run-config.js';
import { isTopLevel, slotsIn } from './slot-place.js';

/** One JSON Schema (draft 2020-12) of the whole config as the loaded plugins read it: `llmf schema`, and editors. */
export function schemaOf(engine: Engine): JsonSchema {
  const { properties } = jsonSchemaOf(engineOptions);
  const slots = engine.slots.filter(isTopLevel).map((slot) => [slot.key, slotSchema(engine, slot)] as const);
  const inTrain = [...slotsIn('train', engine.slots)].map(([key, slot]) => [key, slotSchema(engine, slot)] as const);
  const train = jsonSchemaOf(trainOptions);
  const sections = engine.plugins.flatMap((plugin) =>
    plugin.options ? [[sectionOf(plugin), described(jsonSchemaOf(plugin.options), plugin.description)] as const] : [],
  );
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'llmf config',
    type: 'object',
    properties: {
      $schema: { type: 'string', description: 'For editors only.' },
      ...properties,
      train: { ...train, properties: { ...train.properties, ...Object.fromEntries(inTrain) } },
      ...Object.fromEntries(slots),
      ...Object.fromEntries(sections),
    },
    additionalProperties: false,
  };
}

function slotSchema(engine: Engine, slot: Slot): JsonSchema {
  const values = engine.container.resolveAll(slot.token);
  const none = (slot.none ?? []).map((name): Named => ({ name }));
  const entries = [...none, ...values].flatMap((value) => valueSchemas(slot, value));
  const nameless = nameLeftOut(slot);
  const single = [...entries, ...nameless];
  const list: JsonSchema[] = slot.many ? [{ type: 'array', minItems: 1, items: { anyOf: entries } }] : [];
  const schema = { description: slot.description, anyOf: [...single, ...list] };
  return slot.default === null ? schema : { ...schema, default: slot.default };
}

/** The short form (the name alone) and the long one with options. */
function valueSchemas(slot: Slot, value: Named): JsonSchema[] {
  const own: JsonSchema = value.options ? jsonSchemaOf(value.options) : {};
  const properties = {
    name: { const: value.name },
    ...(slot.many ? { weight: { type: 'number', minimum: 0, default: 1, description: 'Weight in the sum.' } } : {}),
    ...(slot.shared ? jsonSchemaOf(slot.shared).properties : {}),
    ...own.properties,
  };
  const isNameless = value.name === slot.objectName;
  const required = [...(isNameless ? [] : ['name']), ...(own.required ?? [])];
  const long = { type: 'object', properties, required, additionalProperties: false };
  return [described({ const: value.name }, value.description), described(long, value.description)];
}

/** `backend: { precision: f32 }`: shared options over the slot's default. */
function nameLeftOut(slot: Slot): JsonSchema[] {
  if (slot.default === null || slot.objectName !== undefined || slot.shared === undefined) return [];
  return [{ type: 'object', properties: jsonSchemaOf(slot.shared).properties!, additionalProperties: false }];
}

const described = (schema: JsonSchema, description: string | undefined): JsonSchema =>
  description === undefined ? schema : { description, ...schema };
