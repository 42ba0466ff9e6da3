// SPDX-License-Identifier: Apache-2.0
import type { Engine, Slot } from '../contracts/engine.js';
import type { Named } from '../contracts/token.js';
import { coreErrors } from '../core-errors.js';
import { closest, nearest } from '../text/nearest.js';
import type { ConfigPath } from './config-source.js';
import { isPlain, unknownKeys, type Mistakes } from './mistakes.js';
import { keysOf } from './option-schema.js';
import type { Choice } from './run-config.js';
import { slotPath } from './slot-place.js';

/**
 * What the config chose for a slot: names (with the slot's default where none is written), options checked by the
 * chosen values' own schemas. Null after a mistake was noted.
 */
export function resolveChoices(
  engine: Engine,
  slot: Slot,
  written: unknown,
  defaultName: string | null,
  mistakes: Mistakes,
): readonly Choice[] | null {
  const known = knownNames(engine, slot);
  if (Array.isArray(written) && slot.many) {
    if (written.length === 0)
      mistakes.badValue(slotPath(slot), written, `a list of at least one of ${known.join(', ')}`);
    const choices = written.map((entry, index) =>
      resolveChoice(engine, slot, entry, null, [...slotPath(slot), index], mistakes),
    );
    return choices.length === 0 || choices.includes(null) ? null : (choices as Choice[]);
  }
  const entry = written === undefined && defaultName !== null ? { name: defaultName } : written;
  const choice = resolveChoice(engine, slot, entry, defaultName, slotPath(slot), mistakes);
  return choice === null ? null : [choice];
}

/** Every name the slot takes: those of the provided values and those that stand for none. */
export const knownNames = (engine: Engine, slot: Slot): string[] => [
  ...(slot.none ?? []),
  ...engine.container.resolveAll(slot.token).map(({ name }) => name),
];

function resolveChoice(
  engine: Engine,
  slot: Slot,
  entry: unknown,
  defaultName: string | null,
  path: ConfigPath,
  mistakes: Mistakes,
): Choice | null {
  const known = knownNames(engine, slot);
  const expected = `one of ${known.join(', ') || '(no loaded plugin brings one)'}, or { name, … }${slot.many ? ', or a list of these' : ''}`;
  if (typeof entry !== 'string' && !isPlain(entry)) {
    mistakes.badValue(path, entry, expected);
    return null;
  }
  const nameless = slot.objectName ?? defaultName ?? undefined;
  const { name = nameless, ...options } = typeof entry === 'string' ? { name: entry } : entry;
  if (typeof name !== 'string') {
    mistakes.badValue([...path, 'name'], name, `one of ${known.join(', ')}`);
    return null;
  }
  const value = engine.container.resolveAll(slot.token).find((provided) => provided.name === name);
  if (value === undefined && !slot.none?.includes(name)) {
    mistakes.add(unknownNameError(slot, name, known, mistakes.where(isPlain(entry) ? [...path, 'name'] : path)));
    return null;
  }
  return parseChoice(engine, slot, { name, value, options, path, mistakes });
}

interface Chosen {
  readonly name: string;
  readonly value: Named | undefined;
  readonly options: Readonly<Record<string, unknown>>;
  readonly path: ConfigPath;
  readonly mistakes: Mistakes;
}

/** Shares the written options out: `weight` of a list, the slot's shared ones, the rest to the chosen value's schema. */
function parseChoice(engine: Engine, slot: Slot, { name, value, options, path, mistakes }: Chosen): Choice | null {
  const { weight, rest } = slot.many ? takeWeight(options) : { weight: 1, rest: options };
  if (typeof weight !== 'number' || !Number.isFinite(weight) || weight < 0) {
    mistakes.badValue([...path, 'weight'], weight, 'number ≥ 0');
    return null;
  }
  const sharedKeys = keysOf(slot.shared);
  const ownKeys = keysOf(value?.options);
  const known = [...ownKeys, ...sharedKeys, ...(slot.many ? ['weight'] : [])];
  const unknown = unknownKeys(rest, known);
  for (const key of unknown) mistakes.unknownKey(path, key, known, ownerHint(engine, slot, name, key, known));
  const shared = slot.shared ? mistakes.parse(slot.shared, only(rest, sharedKeys), path) : {};
  const own = value?.options ? mistakes.parse(value.options, only(rest, ownKeys), path) : {};
  if (unknown.length > 0 || shared === null || own === null) return null;
  return { name, options: { ...shared, ...own }, weight };
}

function takeWeight({ weight = 1, ...rest }: Readonly<Record<string, unknown>>) {
  return { weight, rest };
}

const only = (options: Readonly<Record<string, unknown>>, keys: readonly string[]) =>
  Object.fromEntries(Object.entries(options).filter(([key]) => keys.includes(key)));

/** Says which other value of the slot reads a key, unless the key is more likely misspelt. */
function ownerHint(
  engine: Engine,
  slot: Slot,
  name: string,
  key: string,
  known: readonly string[],
): string | undefined {
  if (closest(key, known) !== null) return undefined;
  const owners = engine.container
    .resolveAll(slot.token)
    .filter((value) => keysOf(value.options).includes(key))
    .map((value) => value.name);
  if (owners.length === 0) return undefined;
  return `"${key}" belongs to ${slot.key} ${owners.join(' and ')}, not to ${name}: remove it, or choose ${owners[0]}`;
}

function unknownNameError(slot: Slot, name: string, known: readonly string[], where: string) {
  const meant = closest(name, known);
  return coreErrors.unknownName({
    kind: slot.key,
    name,
    where,
    known: nearest(name, known),
    hint: meant === null ? undefined : `write "${meant}"`,
  });
}
