// SPDX-License-Identifier: Apache-2.0
import { onCommandLine, train } from './bad-input.js';

export const commandLine = onCommandLine([
  ['an unknown command', ['trian'], 'CLI_USAGE', 'perhaps train'],
  ['an unknown flag', ['train', '--plugn', 'x'], 'CLI_USAGE', 'perhaps --plugin'],
  ['a flag without its value', ['train', '--plugin'], 'CLI_USAGE', 'argument missing'],
  ['two configs', ['train', 'a.yaml', 'b.yaml'], 'CLI_USAGE', '"b.yaml" is neither'],
  ['too many arguments', ['env', 'x'], 'CLI_USAGE', 'too many arguments'],
  ['an override that is not YAML', [...train, 'train.seed=[1'], 'CORE_OVERRIDE', 'got: train.seed=[1'],
  ['an override beyond a list', [...train, 'data.train.7.path=x'], 'CORE_OVERRIDE', 'is a list of 1'],
  ['an override below a number', [...train, 'train.seed=1', 'train.seed.x=1'], 'CORE_OVERRIDE', '"train.seed" is 1'],
  ['an override of a wrong type', [...train, 'train.seed=abc'], 'CORE_BAD_VALUE', 'command line: train.seed=abc'],
  ['an override of an unknown key', [...train, 'train.sed=1'], 'CORE_UNKNOWN_KEY', 'did you mean "seed"'],
  ['a config that is not there', ['train', 'gone.yaml'], 'CORE_CONFIG_UNREADABLE', 'ENOENT'],
  [
    'a plugin that is not installed',
    ['train', '--plugin', 'loss-x'],
    'CORE_PLUGIN_NOT_FOUND',
    'npm install @llmf/loss-x',
  ],
  ['a scoped one', ['train', '--plugin', '@me/llmf-x'], 'CORE_PLUGIN_NOT_FOUND', 'npm install @me/llmf-x'],
  ['a plugin file that is not there', ['train', '--plugin', './gone.mjs'], 'CORE_PLUGIN_FILE_MISSING', 'gone.mjs'],
]);
