// SPDX-License-Identifier: Apache-2.0
import type { Engine, Slot } from '../contracts/engine.js';
import type { Plugin } from '../contracts/engine.js';
import type { Mistakes } from './mistakes.js';
import { knownNames, resolveChoices } from './resolve-choices.js';
import type { Choice } from './run-config.js';
import { slotPath, writtenAt } from './slot-place.js';

export interface SlotsRequest {
  /** Plugins the user named. */
  readonly named: readonly Plugin[];
  readonly isUsed: (key: string) => boolean;
  readonly mistakes: Mistakes;
  /** Folder that the config's paths start from; null: files are not looked at. */
  readonly folder: string | null;
}

export interface ResolvedSlots {
  readonly choices: Record<string, readonly Choice[]>;
  /** `stage sft: the training rows are of kind single`, for each choice that files made. */
  readonly inferred: readonly string[];
}

/** By slot key; null after a mistake was noted. */
type Resolved = Map<string, readonly Choice[] | null>;

/**
 * What the config chose for every slot in use. A slot that is not written takes what a named plugin brings, else its
 * default, else what follows from another slot's choice (the loss of a stage, the stage of a loss), else what the
 * user's files say.
 */
export async function resolveSlots(
  engine: Engine,
  raw: Readonly<Record<string, unknown>>,
  { named, isUsed, mistakes, folder }: SlotsRequest,
): Promise<ResolvedSlots> {
  const resolved: Resolved = new Map();
  const resolve = (slot: Slot, defaultName: string | null) =>
    resolved.set(slot.key, resolveChoices(engine, slot, writtenAt(raw, slot), defaultName, mistakes));
  const used = engine.slots.filter(({ key }) => isUsed(key));
  const open = () => used.filter(({ key }) => !resolved.has(key));
  for (const slot of used) {
    const name = (slot.brought === true ? broughtByNamed(engine, slot, named) : null) ?? slot.default;
    if (writtenAt(raw, slot) !== undefined || name !== null) resolve(slot, name);
  }
  const follow = () => {
    for (let count = -1; count !== open().length;) {
      count = open().length;
      for (const slot of open()) {
        const name = impliedName(engine, slot, resolved);
        if (name !== null) resolve(slot, name);
      }
    }
  };
  follow();
  const inferred: string[] = [];
  for (const slot of open()) {
    if (folder === null || mayFollow(engine, slot, resolved)) continue;
    const found = (await slot.inferred?.(raw, folder, engine)) ?? null;
    if (found === null) continue;
    resolve(slot, found.name);
    inferred.push(`${slot.key} ${found.name}: ${found.because}`);
  }
  follow();
  for (const slot of open()) {
    if (!mayFollow(engine, slot, resolved)) missing(engine, slot, mistakes);
    resolved.set(slot.key, null);
  }
  const choices = [...resolved].filter((entry): entry is [string, readonly Choice[]] => entry[1] !== null);
  return { choices: Object.fromEntries(choices), inferred };
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
  mistakes.badValue(slotPath(slot), undefined, `one of ${knownNames(engine, slot).join(', ')}`, slot.missingHint);
