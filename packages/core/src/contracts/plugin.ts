// SPDX-License-Identifier: Apache-2.0
import type { Engine } from './engine.js';
import type { OptionsSchema } from './token.js';

/** Changes only when a contract in this folder breaks. */
export const apiVersion = 2;

/**
 * A plugin is a value from a factory; the factory is the default export of its package.
 * `options`, when given, becomes a config section: `section`, else the plugin's name in camelCase (`data` → `data:`).
 */
export interface Plugin {
  readonly name: string;
  readonly apiVersion: number;
  readonly description?: string;
  readonly options?: OptionsSchema;
  readonly section?: string;
  /** false: it watches a run and changes nothing of it, so that a run resumes with or without it. */
  readonly decides?: false;
  apply(engine: Engine): void;
}

export type PluginFactory = (options?: never) => Plugin;
