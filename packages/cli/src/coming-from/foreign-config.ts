// SPDX-License-Identifier: Apache-2.0
import { closest, coreKeys, sectionOf, type ConfigInput, type Engine } from '@llmf/core';
import { cliErrors } from '../cli-errors.js';
import { toolNames } from '../import/tool-names.js';
import { migrationTables } from './tables.generated.js';
import type { MigrationTable } from './migration-table.js';

/** A key of a config, by its dotted path, with its value. */
interface Entry {
  readonly path: string;
  readonly value: unknown;
}

interface Match extends Entry {
  readonly here: string;
}

/** Fewer could be slips in a config of our own. */
const fewest = 2;

/**
 * A config that was written for another tool is answered once, with what its keys are called here, instead of with one
 * mistake for each of them.
 * @throws LLMF_CLI_FOREIGN_CONFIG
 */
export function refuseForeign(
  raw: Readonly<Record<string, unknown>>,
  engine: Engine,
  input: ConfigInput | undefined,
): void {
  const known = knownKeys(engine);
  const entries = entriesOf(raw);
  const unknown = entries.filter(({ path }) => !known.has(path.split('.')[0]!));
  const [best] = migrationTables
    .map((table) => compared(entries, unknown, table))
    .toSorted((one, other) => other.foreign - one.foreign || other.misspelt.size - one.misspelt.size);
  if (best === undefined || best.foreign < fewest) return;
  if ((best.foreign + best.misspelt.size) * 2 < unknown.length) return;
  const { tool, matches, misspelt } = best;
  const others = unknown
    .filter(({ path }) => matches.every((each) => each.path !== path))
    .map(({ path }) => (misspelt.has(path) ? `${path} (${misspelt.get(path)}?)` : path));
  throw cliErrors.foreignConfig({
    tool,
    where: input?.source.locate([]),
    keys: matches.map(lineOf),
    others,
    from: nameOf(tool),
  });
}

interface Compared {
  readonly tool: string;
  readonly matches: readonly Match[];
  /** Unknown keys that the tool has. */
  readonly foreign: number;
  /** Unknown keys that are nearly one of the tool's, with that one. */
  readonly misspelt: ReadonlyMap<string, string>;
}

function compared(entries: readonly Entry[], unknown: readonly Entry[], { tool, rows }: MigrationTable): Compared {
  const matches = entries.flatMap((entry) => matchOf(entry, rows));
  const isMatched = ({ path }: Entry) => matches.some((each) => each.path === path);
  const keys = rows
    .flatMap(([there = '']) => keysOf(there).map(({ key }) => key))
    .filter((key) => /^[\w.]+$/.test(key));
  const near = unknown.filter((entry) => !isMatched(entry)).map(({ path }) => [path, closest(path, keys)] as const);
  return {
    tool,
    matches,
    foreign: unknown.filter(isMatched).length,
    misspelt: new Map(near.filter((pair): pair is readonly [string, string] => pair[1] !== null)),
  };
}

/** `LLaMA-Factory` → `llamafactory`; null: its configs are not read as they are. */
const nameOf = (tool: string): string | null =>
  toolNames.find((name) => name === tool.toLowerCase().replaceAll(/[^a-z]/g, '')) ?? null;

function knownKeys(engine: Engine): ReadonlySet<string> {
  return new Set([...coreKeys, ...engine.slots.map(({ key }) => key), ...engine.plugins.map(sectionOf)]);
}

/** Every key with a value of its own, and the sections that hold some: tools differ in how deep they nest. */
function entriesOf(raw: Readonly<Record<string, unknown>>, above: readonly string[] = []): Entry[] {
  return Object.entries(raw).flatMap(([key, value]) => {
    const path = [...above, key];
    const isSection = typeof value === 'object' && value !== null && !Array.isArray(value) && path.length < 3;
    if (isSection) return entriesOf(value as Record<string, unknown>, path);
    return [{ path: path.join('.'), value }];
  });
}

/** The row that names the key: with the config's value, else with none, else with another. */
function matchOf(entry: Entry, rows: MigrationTable['rows']): Match[] {
  const named = rows.flatMap(([there = '', here = '']) =>
    keysOf(there).flatMap(({ key, value }) => (key === entry.path ? [{ value, here }] : [])),
  );
  const fits = named.find(({ value }) => value === String(entry.value).toLowerCase());
  const found = fits ?? named.find(({ value }) => value === null) ?? named[0];
  return found === undefined ? [] : [{ ...entry, here: found.here }];
}

/** `lora_rank`, `stage: dpo` and `DPOConfig.beta` of a table's first column. */
function keysOf(there: string): { key: string; value: string | null }[] {
  return [...there.matchAll(/`([^`]+)`/g)].map(([, text = '']) => {
    const [key = '', value] = text.split(': ');
    return { key: key.replace(/^[A-Z]\w*\./, ''), value: value?.toLowerCase() ?? null };
  });
}

function lineOf({ path, value, here }: Match): string {
  const plain = here.replaceAll('`', '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
  return `${path}: ${shown(value)} → ${withValue(plain, value)}`;
}

/** The user's own number, path or names in place of the example's; of other words, ours may differ. */
function withValue(here: string, value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean')
    return here.replace(/^([\w.]+)=(?:[\d.e-]+|true|false)$/, (_, key) => `${key}=${value}`);
  const names = typeof value === 'string' ? value.split(',').map((name) => name.trim()) : value;
  const arePlain = Array.isArray(names) && names.every((name) => typeof name === 'string' && /^[\w./:@-]+$/.test(name));
  if (!arePlain || names.length === 0) return here;
  if (names.length === 1 && typeof value === 'string' && /^[\w.]+=(?:\.\/|runs\/)[\w./-]+$/.test(here))
    return `${here.slice(0, here.indexOf('='))}=${names[0]}`;
  const list = names.length === 1 && names[0] === 'all' ? 'all' : `[${names.join(', ')}]`;
  return here.replace(/^([\w.]+)=\[[\w, ]+\]$/, (_, key) => `${key}=${list}`);
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length <= 40 ? text : `${text.slice(0, 37)}…`;
}
