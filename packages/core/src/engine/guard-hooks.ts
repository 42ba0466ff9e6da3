// SPDX-License-Identifier: Apache-2.0
import type { FullTap, HookInterceptor } from 'tapable';
import { coreErrors, coreFaults } from '../core-errors.js';
import { LlmfError } from '../errors.js';

type AnyHook = {
  readonly name?: string | undefined;
  readonly taps: FullTap[];
  intercept(interceptor: HookInterceptor<never, never>): void;
};

/**
 * Watches every hook of a set: an error thrown by a tap says which plugin and hook it came from, a tap that wants to
 * run before a name nobody has is refused (tapable would silently put it first), and the taps of `shutdown` run in
 * reverse order. Returns the set frozen.
 */
export function guardHooks<H extends object>(hooks: H): Readonly<H> {
  for (const [name, hook] of Object.entries(hooks) as [string, AnyHook][]) {
    hook.intercept({
      register: (tap) => {
        checkOrder(name, tap, hook.taps);
        // tapable runs small stages first; taps without a stage of their own are counted down.
        const stage = name === 'shutdown' ? -hook.taps.length : tap.stage;
        return { ...tap, ...(stage === undefined ? {} : { stage }), fn: guarded(name, tap) };
      },
    });
  }
  return Object.freeze(hooks);
}

function checkOrder(hook: string, tap: FullTap, taps: readonly FullTap[]): void {
  const wanted = tap.before === undefined ? [] : [tap.before].flat();
  const known = taps.map(({ name }) => name);
  for (const before of wanted) {
    if (!known.includes(before)) throw coreErrors.hookOrder({ hook, plugin: tap.name, before, known });
  }
}

/** The tap's function with its errors marked; the form of its last argument or result depends on the kind of tap. */
function guarded(hook: string, tap: FullTap): (...values: unknown[]) => unknown {
  const { name, type } = tap;
  const run = tap.fn as unknown as (...values: unknown[]) => unknown;
  if (type === 'promise') {
    return async (...values) => {
      try {
        return await run(...values);
      } catch (error) {
        throw marked(error, name, hook);
      }
    };
  }
  const attempt = (values: unknown[]) => {
    try {
      return run(...values);
    } catch (error) {
      throw marked(error, name, hook);
    }
  };
  if (type === 'sync') return (...values) => attempt(values);
  return (...values) => {
    const done = values.pop() as (error: unknown, result?: unknown) => void;
    attempt([...values, (error: unknown, result?: unknown) => done(error ? marked(error, name, hook) : error, result)]);
  };
}

/**
 * A coded error keeps its code and what it says, what the system refused (no space, no permission) stays as it is;
 * anything else is a fault of the plugin.
 */
function marked(error: unknown, plugin: string, hook: string): Error {
  if (error instanceof Error && 'syscall' in error) return error;
  if (!LlmfError.is(error)) {
    const reason = error instanceof Error ? error.message : String(error);
    return coreFaults.pluginFailed({ plugin, hook: `hook ${hook}`, reason }, { cause: error });
  }
  if (error.detail.where?.includes('(plugin ')) return error; // marked by an inner hook
  const origin = `(plugin ${plugin}, hook ${hook})`;
  const where = error.detail.where === undefined ? origin : `${error.detail.where} ${origin}`;
  return new LlmfError(error.code, { ...error.detail, where }, error.status, { cause: error });
}
