// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Engine } from '../contracts/engine.js';
import { apiVersion } from '../contracts/plugin.js';
import type { Plugin } from '../contracts/engine.js';
import { token, type Named } from '../contracts/token.js';
import { LlmfError, defineErrors } from '../errors.js';
import { checkSingleCopies, registerCopy } from './copies.js';
import { createEngine } from './engine.js';

const ShapeToken = token<Named>('test-shape');
const plugin = (name: string, apply: (engine: Engine) => void = () => {}): Plugin => ({ name, apiVersion, apply });

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return LlmfError.is(error) ? error.code : `not coded: ${String(error)}`;
  }
  return 'no error';
};

describe('use', () => {
  it('applies plugins in order and tells who listens', () => {
    const engine = createEngine();
    const seen: string[] = [];
    engine.use(
      plugin('watcher', ({ hooks }) => hooks.pluginApplied.tap('watcher', ({ name }) => void seen.push(name))),
    );
    engine.use(plugin('second'));
    expect(engine.plugins.map(({ name }) => name)).toEqual(['watcher', 'second']);
    expect(seen).toEqual(['watcher', 'second']);
  });

  it('counts the same value once and refuses another of that name', () => {
    const engine = createEngine();
    let calls = 0;
    const once = plugin('once', () => void calls++);
    engine.use(once);
    engine.use(once);
    expect(calls).toBe(1);
    expect(codeOf(() => engine.use(plugin('once')))).toBe('LLMF_CORE_PLUGIN_TWICE');
  });

  it('names both API versions when they differ', () => {
    const old = { ...plugin('old'), apiVersion: apiVersion + 6 };
    expect(() => createEngine().use(old)).toThrow(
      new RegExp(
        `LLMF_CORE_API_VERSION: plugin "old"[^]*got: apiVersion ${apiVersion + 6}[^]*expected: apiVersion ${apiVersion}`,
      ),
    );
  });

  it.each([
    [42, 'number'],
    [null, 'object'],
    [{ name: 'x', apiVersion }, '`apply` is not a function'],
    [{ name: '', apiVersion, apply: () => {} }, '`name` is not a text'],
    [{ name: 'x', apply: () => {} }, '`apiVersion` is not a number'],
    [{ name: 'x', apiVersion, apply: () => {}, options: { beta: 1 } }, '`options` is not a zod object'],
  ])('refuses %j, which is no plugin', (value, text) => {
    expect(() => createEngine().use(value as Plugin, 'llmf-x')).toThrow(`at: llmf-x`);
    expect(() => createEngine().use(value as Plugin)).toThrow(text);
  });

  it('calls an error inside apply a fault of the plugin and names it', () => {
    const broken = plugin('broken', () => {
      throw new TypeError('x is not iterable');
    });
    expect(() => createEngine().use(broken)).toThrow(
      'LLMF_CORE_PLUGIN_FAILED: plugin "broken" failed in apply: x is not iterable',
    );
  });

  it('refuses a config key that another plugin or the engine owns', () => {
    const engine = createEngine();
    const options = z.strictObject({});
    engine.use({ ...plugin('my-data'), options });
    const slot = { key: 'myData', token: ShapeToken, description: '', default: null };
    expect(codeOf(() => engine.use(plugin('other', (inner) => inner.slot(slot))))).toBe('LLMF_CORE_KEY_TAKEN');
    expect(codeOf(() => engine.use({ ...plugin('train'), options }))).toBe('LLMF_CORE_KEY_TAKEN');
  });
});

describe('provide and find', () => {
  it('finds by name and remembers the plugin', () => {
    const engine = createEngine();
    const round = { name: 'round' };
    const bringer = plugin('shapes', (inner) => inner.provide(ShapeToken, round));
    engine.use(bringer);
    expect(engine.find(ShapeToken, 'round')).toBe(round);
    expect(engine.providerOf(round)).toBe(bringer);
    expect(engine.providerOf({})).toBeUndefined();
  });

  it('lists the known names, nearest first', () => {
    const engine = createEngine();
    for (const name of ['square', 'round', 'oval']) engine.provide(ShapeToken, { name });
    expect(() => engine.find(ShapeToken, 'ruond')).toThrow(
      /LLMF_CORE_UNKNOWN_NAME: there is no test shape named "ruond"\n.*one of round, [^]*write "round"/,
    );
  });

  it('refuses a second value of the same name', () => {
    const engine = createEngine();
    engine.use(plugin('one', (inner) => inner.provide(ShapeToken, { name: 'round' })));
    expect(() => engine.use(plugin('two', (inner) => inner.provide(ShapeToken, { name: 'round' })))).toThrow(
      /LLMF_CORE_NAME_TAKEN[^]*one and two/,
    );
  });
});

describe('hooks', () => {
  const errors = defineErrors('test', { bad: () => ({ what: 'bad rows', where: 'rows.json:3' }) });

  it('cannot be replaced', () => {
    expect(Object.isFrozen(createEngine().hooks)).toBe(true);
  });

  it('name plugin and hook of an error that a tap throws', async () => {
    const engine = createEngine();
    engine.hooks.config.tapPromise('careless', () => Promise.reject(new Error('boom')));
    await expect(engine.hooks.config.promise({})).rejects.toThrow(
      'LLMF_CORE_PLUGIN_FAILED: plugin "careless" failed in hook config: boom',
    );
  });

  it.each(['tap', 'tapAsync', 'tapPromise'] as const)('keep the code of a coded error (%s)', async (kind) => {
    const engine = createEngine();
    if (kind === 'tap') {
      engine.hooks.config.tap('data', () => {
        throw errors.bad({} as never);
      });
    } else if (kind === 'tapAsync') {
      engine.hooks.config.tapAsync('data', (_config, done) => done(errors.bad({} as never)));
    } else {
      engine.hooks.config.tapPromise('data', () => Promise.reject(errors.bad({} as never)));
    }
    await expect(engine.hooks.config.promise({})).rejects.toMatchObject({
      code: 'LLMF_TEST_BAD',
      status: 1,
      detail: { where: 'rows.json:3 (plugin data, hook config)' },
    });
  });

  it('leave what the system refused as it is', async () => {
    const { hooks } = createEngine();
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', syscall: 'write' });
    hooks.config.tapPromise('writer', () => Promise.reject(full));
    await expect(hooks.config.promise({})).rejects.toBe(full);
  });

  it('transform through all kinds of taps', async () => {
    const { hooks } = createEngine();
    hooks.config.tap('a', (config) => ({ ...config, a: 1 }));
    hooks.config.tapAsync('b', (config, done) => done(null, { ...config, b: 2 }));
    hooks.config.tapPromise('c', async (config) => ({ ...config, c: 3 }));
    hooks.config.tap('keeps', () => undefined as never);
    expect(await hooks.config.promise({})).toEqual({ a: 1, b: 2, c: 3 });
  });

  it('refuse an order relative to a name nobody has, instead of putting the tap first', () => {
    const { hooks } = createEngine();
    hooks.config.tap('known', (config) => config);
    hooks.config.tap({ name: 'fine', before: 'known' }, (config) => config);
    expect(() => hooks.config.tap({ name: 'eager', before: 'missing' }, (config) => config)).toThrow(
      /LLMF_CORE_HOOK_ORDER: plugin "eager"[^]*"missing" in hook config[^]*one of fine, known/,
    );
  });

  it('shut down in reverse order of tapping', async () => {
    const engine = createEngine();
    const seen: string[] = [];
    for (const name of ['first', 'second', 'third']) engine.hooks.shutdown.tap(name, () => void seen.push(name));
    await engine.close();
    expect(seen).toEqual(['third', 'second', 'first']);
  });
});

describe('copies of a package', () => {
  it('are one copy when the same file says it twice, an error when two files do', () => {
    const name = '@llmf/test-copies';
    registerCopy(name, '0.1.0', 'file:///a/index.js');
    registerCopy(name, '0.1.0', 'file:///a/index.js');
    expect(() => checkSingleCopies()).not.toThrow();
    registerCopy(name, '0.2.0', 'file:///b/index.js');
    expect(() => createEngine().use(plugin('any'))).toThrow(
      /LLMF_CORE_TWO_COPIES: two copies of @llmf\/test-copies[^]*0\.1\.0 \(file:\/\/\/a\/index\.js\) and 0\.2\.0/,
    );
  });
});
