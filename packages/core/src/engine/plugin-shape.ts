// SPDX-License-Identifier: Apache-2.0
import type { Plugin } from '../contracts/engine.js';
import { coreErrors } from '../core-errors.js';

/** @throws LLMF_CORE_PLUGIN_SHAPE saying what is missing, before anything of the plugin is called. */
export function checkPluginShape(value: unknown, origin: string): asserts value is Plugin {
  const missing = missingPart(value);
  if (missing !== null) throw coreErrors.pluginShape({ origin, got: describe(value), missing });
}

/** The config section of a plugin with options: the one it names, else its name in camelCase. */
export const sectionOf = (plugin: Plugin): string =>
  plugin.section ??
  plugin.name
    .replace(/^@[^/]*\//, '')
    .replace(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) => next?.toUpperCase() ?? '');

function missingPart(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return 'it is not an object';
  const plugin = value as Partial<Record<keyof Plugin, unknown>>;
  if (typeof plugin.name !== 'string' || plugin.name === '') return '`name` is not a text';
  if (typeof plugin.apply !== 'function') return '`apply` is not a function';
  if (typeof plugin.apiVersion !== 'number') return '`apiVersion` is not a number';
  const { options } = plugin;
  if (options === undefined) return null;
  const isSchema = typeof options === 'object' && options !== null && 'shape' in options && 'safeParse' in options;
  return isSchema ? null : '`options` is not a zod object';
}

function describe(value: unknown): string {
  if (value === null || typeof value !== 'object') return value === undefined ? 'nothing' : typeof value;
  return `an object with ${Object.keys(value).join(', ') || 'no keys'}`;
}
