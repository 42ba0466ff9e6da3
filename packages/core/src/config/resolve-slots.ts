// SPDX-License-Identifier: Apache-2.0
import type { Engine, Slot } from '../contracts/engine.js';
import type { Plugin } from '../contracts/plugin.js';
import type { Mistakes } from './mistakes.js';
import { knownNames, resolveChoices } from './resolve-choices.js';
import type { Choice } from './run-config.js';
import { slotPath, writtenAt } from './slot-place.js';

export interface SlotsRequest {
  /** Plugins the user named. */
  readonly named: readonly Plugin[];
  readonly isUsed: (key: string) => boolean;
  readonly mistakes: Mistakes;
}

/** By slot key; null after a mistake was noted. */
type Resolved = Map<string, readonly Choice[] | null>;

/**
 * What the config chose for every slot in use. A slot that is not written takes what a named plugin brings, else its
 * default, else what follows from another slot's choice (the loss of a stage, the stage of a loss).
 */
export function resolveSlots(
  engine: Engine,
  raw: Readonly<Record<string, unknown>>,
  { named, isUsed, mistakes }: SlotsRequest,
): Record<string, readonly Choice[]> {
  const resolved: Resolved = new Map();
  const resolve = (slot: Slot, defaultName: string | null) =>
    resolved.set(slot.key, resolveChoices(engine, slot, writtenAt(raw, slot), defaultName, mistakes));
  let open = engine.slots.filter(({ key }) => isUsed(key));
  for (const slot of open) {
    const name = (slot.brought === true ? broughtByNamed(engine, slot, named) : null) ?? slot.default;
    if (writtenAt(raw, slot) !== undefined || name !== null) resolve(slot, name);
  }
  for (let count = -1; count !== open.length;) {
    count = open.length;
    for (const slot of open) {
      const name = resolved.has(slot.key) ? null : impliedName(engine, slot, resolved);
      if (name !== null) resolve(slot, name);
    }
    open = open.filter(({ key }) => !resolved.has(key));
  }
  for (const slot of open) {
    if (!mayFollow(engine, slot, resolved)) missing(engine, slot, mistakes);
    resolved.set(slot.key, null);
  }
  return Object.fromEntries([...resolved].filter((entry): entry is [string, readonly Choice[]] => entry[1] !== null));
}

/** The one value that the plugins the user named bring for a slot; null when they bring none or several. */
function broughtByNamed(engine: Engine, slot: Slot, named: readonly Plugin[]): string | null {
  const brought = engine.container.resolveAll(slot.token).filter((value) => {
    const plugin = engine.providerOf(value);
    return plugin !== undefined && named.includes(plugin);
  });
  return brought.length === 1 ? brought[0]!.name : null;
}

function impliedName(engine: Engine, { key }: Slot, resolved: Resolved): string | null {
  for (const other of engine.slots) {
    const choices = resolved.get(other.key);
    const name = choices ? (other.implies?.(key, choices, engine) ?? null) : null;
    if (name !== null) return name;
  }
  return null;
}

/** Of a slot that is wrong or missing and one that may follow from it, only the first is told. */
const mayFollow = (engine: Engine, slot: Slot, resolved: Resolved): boolean =>
  engine.slots.some(({ key, implies }) => key !== slot.key && implies !== undefined && resolved.get(key) === null);

const missing = (engine: Engine, slot: Slot, mistakes: Mistakes): void =>
  mistakes.badValue(slotPath(slot), undefined, `one of ${knownNames(engine, slot).join(', ')}`);
