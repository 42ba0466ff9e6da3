// SPDX-License-Identifier: Apache-2.0
import type { Engine, Slot } from '../contracts/engine.js';
import { sectionOf } from '../engine/plugin-shape.js';
import { alternatives, jsonSchemaOf, type JsonSchema } from './option-schema.js';
import { knownNames } from './resolve-choices.js';
import { engineOptions } from './engine-options.js';
import { trainOptions } from './run-config.js';
import { typeText, valueText } from './type-text.js';

/** One line of `--help`. */
export interface OptionRow {
  /** `train.learningRate`; an option of a chosen value has the slot's key: `loss.beta`. */
  readonly key: string;
  /** Name of the value that reads it (`simpo`), when only one of a slot's values does. */
  readonly of: string | null;
  /** Key of that slot (`loss`, `train.optimizer`); null for every other row. */
  readonly slot: string | null;
  readonly type: string;
  /** As it would be written in the config; null: there is none, the key is required or may be left out. */
  readonly default: string | null;
  readonly required: boolean;
  readonly description: string;
  /** Plugin that brought it; null: llmf itself. */
  readonly plugin: string | null;
}

type Owner = Pick<OptionRow, 'of' | 'slot' | 'plugin'>;
const plain: Owner = { of: null, slot: null, plugin: null };

/** Every key of the config that the loaded plugins read, in the order of `--help`. */
export function describeOptions(engine: Engine): OptionRow[] {
  return [
    ...rowsOf(jsonSchemaOf(engineOptions), '', plain),
    ...engine.slots.flatMap((slot) => slotRows(engine, slot)),
    ...engine.plugins.flatMap((plugin) =>
      plugin.options
        ? rowsOf(jsonSchemaOf(plugin.options), `${sectionOf(plugin)}.`, { ...plain, plugin: plugin.name })
        : [],
    ),
    ...rowsOf(jsonSchemaOf(trainOptions), 'train.', plain),
  ];
}

function slotRows(engine: Engine, slot: Slot): OptionRow[] {
  const names = knownNames(engine, slot);
  const choice: OptionRow = {
    key: slot.key,
    ...plain,
    type: names.join(' | ') || '(no loaded plugin brings one)',
    default: slot.default,
    required: false,
    description: slot.description,
  };
  const shared = slot.shared ? rowsOf(jsonSchemaOf(slot.shared), `${slot.key}.`, plain) : [];
  const own = engine.container.resolveAll(slot.token).flatMap((value) => {
    const owner = { of: value.name, slot: slot.key, plugin: engine.providerOf(value)?.name ?? null };
    return value.options ? rowsOf(jsonSchemaOf(value.options), `${slot.key}.`, owner) : [];
  });
  return [choice, ...shared, ...own];
}

/** Objects inside are followed; lists are one row. */
function rowsOf(schema: JsonSchema, prefix: string, owner: Owner): OptionRow[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    const nested = alternatives(inner).length === 1 && inner.properties ? rowsOf(inner, `${prefix}${key}.`, owner) : [];
    if (nested.length > 0) return nested;
    const row: OptionRow = {
      key: `${prefix}${key}`,
      type: typeText(inner) || 'any value',
      default: 'default' in inner ? valueText(inner.default) : null,
      required: schema.required?.includes(key) ?? false,
      description: inner.description ?? '',
      ...owner,
    };
    return [row];
  });
}
