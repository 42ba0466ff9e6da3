// SPDX-License-Identifier: Apache-2.0
import { runErrors } from './run-errors.js';

type PlainObject = Readonly<Record<string, unknown>>;

/**
 * @param saved the deciding part of the checkpoint's config
 * @param current that of this run's
 * @param places keys that say where something lies; what lies there is compared by its state
 * @param defaults keys with the value of who leaves them out: nothing has changed where an older version had no such key
 * @throws LLMF_CORE_RESUME_CONFIG_CHANGED naming each key with the checkpoint's value and the config's
 */
export function checkResumable(
  saved: PlainObject,
  current: PlainObject,
  folder: string,
  places: readonly string[] = [],
  defaults: readonly string[] = [],
): void {
  const known = flatten(saved);
  const hasDefault = (key: string) => defaults.some((path) => key === path || key.startsWith(`${path}.`));
  const added = [...flatten(current).keys()].filter((key) => !known.has(key) && hasDefault(key));
  const keys = changedKeys(saved, current, [...places, ...added]);
  if (keys.length > 0) throw runErrors.resumeConfigChanged({ keys, folder });
}

/** `loss.beta: 0.1 → 0.2` for each key that two configs do not share. */
export function changedKeys(saved: PlainObject, current: PlainObject, except: readonly string[] = []): string[] {
  const before = flatten(saved);
  const now = flatten(current);
  const all = new Set([...before.keys(), ...now.keys()]);
  const keys = [...all].filter((key) => before.get(key) !== now.get(key) && !except.includes(key));
  return keys.map((key) => `${key}: ${before.get(key) ?? 'not set'} → ${now.get(key) ?? 'not set'}`);
}

function flatten(value: unknown, path = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) {
    return new Map([[path, JSON.stringify(value)]]);
  }
  const entries = Object.entries(value).flatMap(([key, inner]) => [...flatten(inner, path ? `${path}.${key}` : key)]);
  return new Map(entries);
}
