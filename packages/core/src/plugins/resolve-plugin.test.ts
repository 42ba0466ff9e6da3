// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installCommand } from './install-command.js';
import { installedPlugins } from './installed-plugins.js';
import { findPlugin, loadPlugin } from './resolve-plugin.js';

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'llmf-plugins-')));
});
afterEach(() => rm(folder, { recursive: true }));

const write = async (path: string, text: string) => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
};
const source = (name: string) => `export default () => ({ name: '${name}', apiVersion: 2, apply() {} });`;
const install = async (name: string, json: Record<string, unknown> = {}) => {
  const manifest = { name, version: '1.2.3', type: 'module', exports: './main.js', ...json };
  await write(`node_modules/${name}/package.json`, JSON.stringify(manifest));
  await write(`node_modules/${name}/main.js`, source(name));
};
const load = async (name: string) => (await loadPlugin(findPlugin(name, [folder]))).name;

describe('--plugin NAME', () => {
  it.each([
    ['loss-simpo', '@llmf/loss-simpo'],
    ['loss-x', 'llmf-loss-x'],
    ['loss-y', 'llmf-plugin-loss-y'],
    ['llmf-loss-z', 'llmf-loss-z'],
    ['@me/llmf-x', '@me/llmf-x'],
  ])('%s finds the package %s', async (name, packageName) => {
    await install(packageName);
    expect(await load(name)).toBe(packageName);
  });

  it('prefers the official scope', async () => {
    await install('llmf-plugin-loss-a');
    await install('llmf-loss-a');
    await install('@llmf/loss-a');
    expect(await load('loss-a')).toBe('@llmf/loss-a');
  });

  it.each([
    [{ exports: { '.': { types: './main.d.ts', import: './main.js' } } }],
    [{ exports: { import: { node: './main.js' } } }],
    [{ exports: { default: './main.js' } }],
    [{ exports: undefined, main: 'main.js' }],
  ])('reads package.json with %j', async (json) => {
    await install('llmf-forms', json);
    expect(await load('forms')).toBe('llmf-forms');
  });

  it.each(['./mine.mjs', 'mine.mjs', './pack', 'pack', './indexed'])('%s is a path from the folder', async (name) => {
    await write('mine.mjs', source('mine'));
    await write('pack/package.json', '{ "type": "module", "main": "lib.js" }');
    await write('pack/lib.js', source('pack'));
    await write('indexed/index.mjs', source('indexed'));
    expect(await load(name)).toBe(/mine|pack|indexed/.exec(name)![0]);
  });

  it('looks in the second folder when the first has it not', async () => {
    await install('llmf-second');
    const { file } = findPlugin('second', [tmpdir(), folder]);
    expect(file).toBe(join(folder, 'node_modules/llmf-second/main.js'));
  });

  it('takes a plugin value, a factory, and a CommonJS build of either', async () => {
    await write('value.mjs', `export default { name: 'value', apiVersion: 2, apply() {} };`);
    await write('common.cjs', `exports.default = () => ({ name: 'common', apiVersion: 2, apply() {} });`);
    expect(await load('./value.mjs')).toBe('value');
    expect(await load('./common.cjs')).toBe('common');
  });
});

describe('a plugin that cannot be loaded', () => {
  it('is not installed: names tried, folder and install command are told', () => {
    expect(() => findPlugin('loss-orpo', [folder])).toThrow(
      `LLMF_CORE_PLUGIN_NOT_FOUND: plugin "loss-orpo" is not installed\n  at: ${folder}\n` +
        '  got: none of @llmf/loss-orpo, llmf-loss-orpo, llmf-plugin-loss-orpo, ./loss-orpo\n' +
        '  to do: run: npm install @llmf/loss-orpo',
    );
  });

  it('is misspelt: the one that comes with llmf is named', () => {
    const ofLlmf = fileURLToPath(new URL('../../../cli', import.meta.url));
    expect(() => findPlugin('loss-simpoo', [folder, ofLlmf])).toThrow('loss-simpo');
  });

  it('is misspelt: the installed one is named', async () => {
    await install('@llmf/loss-simpo', { keywords: ['llmf-plugin'] });
    expect(() => findPlugin('loss-smipo', [folder])).toThrow('expected: perhaps @llmf/loss-simpo, which is installed');
    expect(() => findPlugin('loss-orpo', [folder])).not.toThrow('perhaps');
  });

  it('is a path that does not exist', () => {
    expect(() => findPlugin('./gone.mjs', [folder])).toThrow(`LLMF_CORE_PLUGIN_FILE_MISSING`);
    expect(() => findPlugin('./gone.mjs', [folder])).toThrow(join(folder, 'gone.mjs'));
  });

  it.each([
    ['export default {', 'PLUGIN_LOAD', 'Error: '],
    ['throw new Error("at import")', 'PLUGIN_LOAD', 'Error: at import'],
    ['import "llmf-not-there"', 'PLUGIN_LOAD', 'llmf-not-there'],
    ['export default () => { throw new TypeError("in factory") }', 'PLUGIN_LOAD', 'TypeError: in factory'],
    ['export const plugin = 1', 'PLUGIN_SHAPE', 'got: nothing'],
    ['export default () => ({ name: "x" })', 'PLUGIN_SHAPE', '`apply` is not a function'],
  ])('%s', async (text, code, reason) => {
    await write('broken.mjs', text);
    const loading = loadPlugin(findPlugin('./broken.mjs', [folder]));
    await expect(loading).rejects.toMatchObject({ code: `LLMF_CORE_${code}`, status: 1 });
    await expect(loading).rejects.toThrow(reason);
    await expect(loading).rejects.toThrow('broken.mjs');
  });
});

describe('installCommand', () => {
  it.each([
    ['pnpm-lock.yaml', 'pnpm add x'],
    ['yarn.lock', 'yarn add x'],
    ['bun.lock', 'bun add x'],
    ['package-lock.json', 'npm install x'],
  ])('with %s above is %s', async (lockfile, command) => {
    await write(lockfile, '');
    expect(installCommand('x', join(folder, 'deep', 'er'))).toBe(command);
  });
});

describe('installedPlugins', () => {
  it('lists the packages that say they are plugins, and no others', async () => {
    await install('@llmf/loss-a', { peerDependencies: { '@llmf/core': '>=0.1.0 <1.0.0' } });
    await install('@me/llmf-b', { keywords: ['llmf-plugin'], description: 'Bee.' });
    await install('@llmf/core');
    await install('llmf-theme');
    await install('@me/other', { keywords: ['llmf-plugin'] });
    expect(installedPlugins(folder).map(({ name, version, description }) => [name, version, description])).toEqual([
      ['@llmf/loss-a', '1.2.3', ''],
      ['@me/llmf-b', '1.2.3', 'Bee.'],
    ]);
  });
});
