// SPDX-License-Identifier: Apache-2.0
import { AsyncSeriesHook, AsyncSeriesWaterfallHook, SyncHook } from 'tapable';
import { createContainer } from '../container/container.js';
import type { Engine, EngineHooks, Slot } from '../contracts/engine.js';
import { apiVersion } from '../contracts/plugin.js';
import type { Plugin } from '../contracts/engine.js';
import type { Named, Token } from '../contracts/token.js';
import { coreErrors, coreFaults } from '../core-errors.js';
import { LlmfError } from '../errors.js';
import { checkSingleCopies } from './copies.js';
import { coreSlots } from './core-slots.js';
import { findNamed, kindOf } from './find-named.js';
import { guardHooks } from './guard-hooks.js';
import { checkPluginShape, sectionOf } from './plugin-shape.js';

export const createEngine = (): EngineImplementation => new EngineImplementation();

/** Keys of the config that are neither a slot's nor a plugin's. */
export const coreKeys = ['plugins', 'output', 'saveDtype', 'train'] as const;

/** The engine as its owner sees it: the contract of plugins, and `use` and `close`. */
export class EngineImplementation implements Engine {
  readonly hooks: EngineHooks = guardHooks({
    config: new AsyncSeriesWaterfallHook<[Record<string, unknown>]>(['config'], 'config'),
    pluginApplied: new SyncHook<[Plugin]>(['plugin'], 'pluginApplied'),
    run: new AsyncSeriesHook<[import('../contracts/run.js').Run]>(['run'], 'run'),
    shutdown: new AsyncSeriesHook<[]>([], 'shutdown'),
  });
  readonly container = createContainer();

  private readonly applied: Plugin[] = [];
  private readonly declaredSlots: Slot[] = [...coreSlots];
  private readonly providers = new Map<unknown, Plugin>();
  private readonly provided: { readonly plugin: Plugin; readonly kind: string; readonly name: string | null }[] = [];
  private readonly keyOwners = new Map<string, string>(
    [...coreKeys, ...coreSlots.map(({ key }) => key)].map((key) => [key, 'llmf itself']),
  );
  private applying: Plugin | null = null;

  get plugins(): readonly Plugin[] {
    return this.applied;
  }

  get slots(): readonly Slot[] {
    return this.declaredSlots;
  }

  /** Applies a plugin. The same value twice counts once. @throws a coded error for a wrong shape or API version. */
  use(plugin: Plugin, origin = 'engine.use'): void {
    if (this.applied.includes(plugin)) return;
    checkPluginShape(plugin, origin);
    if (plugin.apiVersion !== apiVersion) {
      throw coreErrors.apiVersion({ plugin: plugin.name, wanted: plugin.apiVersion, have: apiVersion });
    }
    if (this.applied.some(({ name }) => name === plugin.name)) throw coreErrors.pluginTwice({ plugin: plugin.name });
    checkSingleCopies();
    if (plugin.options !== undefined) this.claimKey(sectionOf(plugin), plugin.name);
    const outer = this.applying;
    this.applying = plugin;
    try {
      plugin.apply(this);
    } catch (error) {
      if (LlmfError.is(error)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw coreFaults.pluginFailed({ plugin: plugin.name, hook: 'apply', reason }, { cause: error });
    } finally {
      this.applying = outer;
    }
    this.applied.push(plugin);
    this.hooks.pluginApplied.call(plugin);
  }

  provide<T>(token: Token<T>, value: T): void {
    this.checkNameIsFree(token, value);
    if (this.applying !== null) {
      this.providers.set(value, this.applying);
      this.provided.push({ plugin: this.applying, kind: kindOf(token), name: nameOf(value) ?? null });
    }
    this.container.register(token, value);
  }

  slot(slot: Slot): void {
    this.claimKey(slot.key, this.applying?.name ?? 'the program');
    this.declaredSlots.push(slot);
  }

  find<T extends Named>(token: Token<T>, name: string): T {
    return findNamed(this.container, token, name);
  }

  providerOf(value: unknown): Plugin | undefined {
    return this.providers.get(value);
  }

  /** What a plugin brought, by kind and name, in order; for `llmf plugins`. */
  providedBy(plugin: Plugin): { readonly kind: string; readonly name: string | null }[] {
    return this.provided.filter((entry) => entry.plugin === plugin).map(({ kind, name }) => ({ kind, name }));
  }

  /** The plugin that declared a config key. */
  ownerOfKey(key: string): string | undefined {
    return this.keyOwners.get(key);
  }

  /** Fires `shutdown`. */
  async close(): Promise<void> {
    await this.hooks.shutdown.promise();
  }

  private claimKey(key: string, plugin: string): void {
    const owner = this.keyOwners.get(key);
    if (owner !== undefined) throw coreErrors.keyTaken({ key, by: owner, plugin });
    this.keyOwners.set(key, plugin);
  }

  private checkNameIsFree(token: Token<unknown>, value: unknown): void {
    const name = nameOf(value);
    if (name === undefined) return;
    const other = this.container.resolveAll(token).find((earlier) => nameOf(earlier) === name);
    if (other === undefined) return;
    throw coreErrors.nameTaken({
      kind: kindOf(token),
      name,
      first: this.providerOf(other)?.name ?? 'the program',
      second: this.applying?.name ?? 'the program',
    });
  }
}

function nameOf(value: unknown): string | undefined {
  const name = typeof value === 'object' && value !== null ? (value as { name?: unknown }).name : undefined;
  return typeof name === 'string' ? name : undefined;
}
