// SPDX-License-Identifier: Apache-2.0
import { inPlugin, pluginSource } from './bad-input.js';

export const plugins = inPlugin([
  ['a plugin with a syntax error', 'export default {', 'PLUGIN_LOAD', 'mine.mjs'],
  ['a plugin that throws when loaded', 'throw new Error("no luck")', 'PLUGIN_LOAD', 'no luck'],
  ['a file that is no plugin', 'export const x = 1;', 'PLUGIN_SHAPE', 'a default export that is a plugin'],
  ['a plugin for another API', pluginSource('', { apiVersion: 99 }), 'API_VERSION', 'got: apiVersion 99'],
  ['a plugin with the name of another', pluginSource('', { name: 'toy' }), 'PLUGIN_TWICE', '"toy"'],
  ['a plugin that fails when applied', pluginSource('null.x'), 'PLUGIN_FAILED', '"mine" failed in apply', 2],
  [
    'a plugin whose tap fails',
    pluginSource('engine.hooks.run.tap("mine", () => null.x)'),
    'PLUGIN_FAILED',
    'plugin "mine" failed in hook run',
    2,
  ],
  [
    'a plugin that wants to go before nobody',
    pluginSource('engine.hooks.run.tap({ name: "mine", before: "nobody" }, () => {})'),
    'HOOK_ORDER',
    '"nobody"',
  ],
]);
