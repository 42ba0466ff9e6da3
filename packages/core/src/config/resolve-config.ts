// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import type { Engine, Slot } from '../contracts/engine.js';
import type { Plugin } from '../contracts/engine.js';
import { coreKeys } from '../engine/engine.js';
import { sectionOf } from '../engine/plugin-shape.js';
import type { ConfigSource } from './config-source.js';
import { resolveSlots } from './resolve-slots.js';
import { noteUnread } from './unread-slots.js';
import { isTopLevel, slotPath, slotsIn, writtenAt } from './slot-place.js';
import { decidingPart, defaultsIn, placesIn } from './deciding.js';
import { isPlain, Mistakes, unknownKeys } from './mistakes.js';
import { keysOf } from './option-schema.js';
import { trainOptions, type Choice, type RunConfig, type TrainOptions } from './run-config.js';
import { engineOptions } from './engine-options.js';

/** A key of editors, allowed in every config and of no meaning to a run. */
const editorKey = '$schema';

export interface ResolveOptions {
  readonly source: ConfigSource;
  /** Plugins the user named: one that brings exactly one loss or stage makes it the default. */
  readonly named?: readonly Plugin[];
  /** Folder that paths of the config start from: what is left out may follow from the files. Left out: it may not. */
  readonly folder?: string;
  /** Slots and sections that the command uses; the others may be left out of the config. Default: all. */
  readonly uses?: readonly string[];
}

/**
 * The raw config, after the `config` hook, checked by every schema that plugins brought.
 * @throws LLMF_CORE_UNKNOWN_KEY, …_BAD_VALUE, …_MISSING_KEY, …_UNKNOWN_NAME, or …_CONFIG_INVALID that lists several.
 */
export async function resolveConfig(
  engine: Engine,
  written: Readonly<Record<string, unknown>>,
  { source, named = [], folder, uses }: ResolveOptions,
): Promise<RunConfig> {
  // A key with nothing below it (`train:`, all of it commented out) is an empty section.
  const raw = defined(await engine.hooks.config.promise({ ...written, ...pluginNames(written['plugins']) }));
  const sections = new Map(
    engine.plugins.flatMap((plugin) => (plugin.options ? [[sectionOf(plugin), plugin.options] as const] : [])),
  );
  const trainSlots = slotsIn('train', engine.slots);
  const keys = [
    ['train', [...keysOf(trainOptions), ...trainSlots.keys()]] as const,
    ...[...sections].map(([key, schema]) => [key, keysOf(schema)] as const),
  ];
  const mistakes = new Mistakes(source, Object.fromEntries(keys));
  const known = [...coreKeys, ...engine.slots.filter(isTopLevel).map(({ key }) => key), ...sections.keys()];
  for (const key of unknownKeys(raw, [...known, editorKey])) mistakes.unknownKey([], key, known);

  const outer = mistakes.parse(engineOptions, defined(only(raw, Object.keys(engineOptions.shape))), []);
  const train = mistakes.parse(withSlots(trainSlots), raw['train'] ?? {}, ['train']);
  const isUsed = (key: string) => uses === undefined || uses.includes(key) || isWritten(raw, key);
  const slots = { named, isUsed, mistakes, folder: folder ?? null };
  const { choices, inferred } = await resolveSlots(engine, raw, slots);
  noteUnread(engine, raw, choices, mistakes);
  const parsed: Record<string, unknown> = {};
  for (const [key, schema] of sections) if (isUsed(key)) parsed[key] = mistakes.parse(schema, raw[key] ?? {}, [key]);
  mistakes.throwIfAny();

  return frozenConfig(engine, {
    plugins: outer!['plugins'] as string[],
    output: (outer!['output'] as string | undefined) ?? defaultOutput(engine, choices),
    saveDtype: outer!['saveDtype'] as RunConfig['saveDtype'],
    train: Object.fromEntries(
      Object.entries(train!).filter(([key]) => !trainSlots.has(key)),
    ) as unknown as TrainOptions,
    stated: isPlain(raw['train']) ? Object.keys(raw['train']) : [],
    choices,
    inferred,
    sections: parsed,
  });
}

/** Plugins given as values (in a program or an .mjs config) count by their names. */
function pluginNames(plugins: unknown): { plugins?: unknown } {
  if (!Array.isArray(plugins)) return {};
  return {
    plugins: plugins.map((entry: unknown) =>
      isPlain(entry) && typeof entry['name'] === 'string' ? entry['name'] : entry,
    ),
  };
}

/** `train` with its slots as keys of any value: they are checked by themselves. */
const withSlots = (slots: ReadonlyMap<string, Slot>) =>
  trainOptions.extend(Object.fromEntries([...slots.keys()].map((key) => [key, z.unknown().optional()])));

const isWritten = (raw: Readonly<Record<string, unknown>>, key: string): boolean =>
  writtenAt(raw, { key } as Slot) !== undefined;

function defaultOutput({ slots }: Engine, choices: Readonly<Record<string, readonly Choice[]>>): string {
  const namesOf = (key: string) => {
    const none = slots.find((slot) => slot.key === key)?.none ?? [];
    return (choices[key] ?? []).map(({ name }) => name).filter((name) => !none.includes(name));
  };
  const names = namesOf('loss').length > 0 ? namesOf('loss') : namesOf('stage');
  return `runs/${names.join('-') || 'run'}`;
}

function frozenConfig(
  engine: Engine,
  config: Omit<RunConfig, 'resolved' | 'deciding' | 'places' | 'defaults'>,
): RunConfig {
  const { slots } = engine;
  const { plugins, output, saveDtype, train, choices, sections } = config;
  const chosen = slots.flatMap((slot) => {
    const { key, many } = slot;
    const entries = choices[key]?.map(({ name, weight, options }) => ({
      name,
      ...(many ? { weight } : {}),
      ...options,
    }));
    return entries === undefined ? [] : [[slot, many ? entries : entries[0]] as const];
  });
  const placed = (top: boolean) =>
    Object.fromEntries(
      chosen.filter(([slot]) => isTopLevel(slot) === top).map(([slot, entry]) => [slotPath(slot).at(-1), entry]),
    );
  const resolved = { plugins, output, saveDtype, train: { ...train, ...placed(false) }, ...placed(true), ...sections };
  const deciding = Object.freeze(decidingPart(engine, resolved));
  const places = Object.freeze(placesIn(engine, resolved));
  const defaults = Object.freeze(defaultsIn(engine, resolved));
  return Object.freeze({ ...config, deciding, places, defaults, resolved: Object.freeze(resolved) });
}

const only = (raw: Readonly<Record<string, unknown>>, keys: readonly string[]) =>
  Object.fromEntries(keys.map((key) => [key, raw[key]]));

const defined = (values: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
