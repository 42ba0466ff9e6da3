// SPDX-License-Identifier: Apache-2.0
import type { AsyncSeriesHook, AsyncSeriesWaterfallHook, SyncHook } from 'tapable';
import type { Container } from './container.js';
import type { Choice } from '../config/run-config.js';
import type { Run } from './run.js';
import type { Named, OptionsSchema, Token } from './token.js';

/**
 * A key of the config whose value chooses one (or several) of the values provided under a token by name:
 * `loss: simpo`, `loss: { name: simpo, beta: 2 }`, `loss: [{ name: dpo, weight: 0.8 }, { name: sft }]`.
 * The chosen value's own options are validated by its own schema.
 */
export interface Slot {
  /** Key of the config; `train.` before it places it in that section. */
  readonly key: string;
  readonly token: Token<Named>;
  readonly description: string;
  /** Used when the config leaves the key out; null: the key is required. */
  readonly default: string | null;
  /** A list is allowed; each entry then takes a `weight`. */
  readonly many?: boolean;
  /** Name meant by an object without `name`: `reference: { path: … }`. */
  readonly objectName?: string;
  /** A plugin of the command line that brings exactly one value of the slot makes it the default. */
  readonly brought?: boolean;
  /** The name that another slot takes when nothing else names one, given what was chosen here; null: none follows. */
  readonly implies?: (key: string, choices: readonly Choice[], engine: Engine) => string | null;
  /** Asked when nothing names or implies a value: what the user's files say, paths starting from `folder`. */
  readonly inferred?: (
    raw: Readonly<Record<string, unknown>>,
    folder: string,
    engine: Engine,
  ) => Promise<Inferred | null>;
  /** What to do where the key is missing and nothing decides it. */
  readonly missingHint?: string;
  /** Only stages that have its key among their `reads` read it: written for another stage, it is refused. */
  readonly readOnRequest?: true;
  /** Names that stand for "none of them" and resolve to no value. */
  readonly none?: readonly string[];
  /** Options that every value of the slot takes besides its own (e.g. `precision` for a backend). */
  readonly shared?: Named['options'];
}

/** A choice that follows from files, and the line that says so: `the training rows are pairs`. */
export interface Inferred {
  readonly name: string;
  readonly because: string;
}

/** Fires once per engine, in this order. */
export interface EngineHooks {
  /** Transform the raw config (a plain object) before it is validated. Aliases of other systems' keys go here. */
  readonly config: AsyncSeriesWaterfallHook<[Record<string, unknown>]>;
  /** Act: a plugin was applied. */
  readonly pluginApplied: SyncHook<[Plugin]>;
  /** Act: a run exists and nothing of it has happened; tap its hooks here. */
  readonly run: AsyncSeriesHook<[Run]>;
  /** Act, in reverse order of tapping: release what the engine holds. */
  readonly shutdown: AsyncSeriesHook<[]>;
}

export interface Engine {
  readonly hooks: EngineHooks;
  readonly container: Container;
  readonly plugins: readonly Plugin[];
  /** Makes a value available under a token; remembers the plugin that brought it. */
  provide<T>(token: Token<T>, value: T): void;
  /** Declares a config key that chooses among the values of a token. */
  slot(slot: Slot): void;
  readonly slots: readonly Slot[];
  /** The value of that name. @throws LLMF_CORE_UNKNOWN_NAME listing the known names, nearest first. */
  find<T extends Named>(token: Token<T>, name: string): T;
  /** The plugin that provided a value, for messages and the default loss or stage of a `--plugin`. */
  providerOf(value: unknown): Plugin | undefined;
}

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
