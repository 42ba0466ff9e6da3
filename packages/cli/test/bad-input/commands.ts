// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { architecture, tinyConfig } from '../support/tiny-model.js';
import type { BadInput } from './bad-input.js';

type Row = readonly [
  title: string,
  argv: readonly string[],
  code: string,
  text: string,
  files?: Readonly<Record<string, string>>,
];

const model = ['--model', 'model', '--backend', 'js'];
const rows = '{"prompt":"What is a goat?","response":"It is an animal."}\n';
const init = (config: string) => ['init', 'new', '--config', config, '--tokenizer', architecture];
const smallVocabulary = await tinyConfig({ vocab_size: 100 });

const table: readonly Row[] = [
  ['score without a model', ['score', 'rows.jsonl', '--output', 'o.jsonl'], 'CLI_USAGE', '--model'],
  ['score without an output', ['score', 'rows.jsonl', ...model], 'CLI_USAGE', '--output'],
  ['score of no data', ['score', 'gone.jsonl', ...model, '--output', 'o.jsonl'], 'DATA_FILE_MISSING', 'gone.jsonl'],
  [
    'score into a folder that is not there',
    ['score', 'rows.jsonl', ...model, '--output', 'a/b.jsonl'],
    'CLI_SYSTEM',
    'create the folder',
  ],
  [
    'score in a precision the backend lacks',
    ['score', 'rows.jsonl', ...model, '--precision', 'bf16', '--output', 'o.jsonl'],
    'CORE_PRECISION_UNSUPPORTED',
    'bf16',
  ],
  [
    'score with a batch size of zero',
    ['score', 'rows.jsonl', ...model, '--batch-size', '0', '--output', 'o.jsonl'],
    'CLI_USAGE',
    'a whole number, 1 or more',
  ],
  [
    'score with a broken row',
    ['score', 'rows.jsonl', ...model, '--output', 'o.jsonl'],
    'DATA_BROKEN_JSON',
    'rows.jsonl:2:',
    { 'rows.jsonl': `${rows}{"prompt"` },
  ],
  ['generate without a prompt', ['generate', ...model], 'CLI_USAGE', '--prompt'],
  [
    'generate with a model that is not there',
    ['generate', '--model', './gone', '--prompt', 'x'],
    'MODELS_FOLDER_MISSING',
    'gone',
  ],
  [
    'generate with an adapter that is not there',
    ['generate', ...model, '--adapter', 'gone', '--prompt', 'x'],
    'NN_ADAPTER_FILE',
    'gone',
  ],
  ['generate at temperature 0', ['generate', ...model, '--prompt', 'x', '--temperature', '0'], 'CLI_USAGE', 'above 0'],
  ['generate with a share above 1', ['generate', ...model, '--prompt', 'x', '--top-p', '2'], 'NN_SAMPLING', 'topP'],
  [
    'generate after a prompt that is too long',
    ['generate', ...model, '--prompt', 'goat '.repeat(200)],
    'NN_CONTEXT_FULL',
    'fewer than 128',
  ],
  [
    'generate with a picture and no plugin for it',
    ['generate', ...model, '--prompt', 'x', '--image', 'a.png'],
    'CLI_USAGE',
    '--plugin vision',
  ],
  [
    'init over a folder',
    ['init', 'model', '--config', join(architecture, 'config.json'), '--tokenizer', architecture],
    'CORE_FOLDER_IN_USE',
    'model',
  ],
  ['init with a config that is not there', init('gone.json'), 'MODELS_CONFIG_UNREADABLE', 'gone.json'],
  [
    'init without a tokenizer',
    ['init', 'new', '--config', join(architecture, 'config.json'), '--tokenizer', '.'],
    'MODELS_TOKENIZER_MISSING',
    'tokenizer.json',
  ],
  [
    'init with a vocabulary too small',
    init('small.json'),
    'MODELS_VOCABULARY',
    'vocab_size 100',
    { 'small.json': smallVocabulary },
  ],
  ['init with a negative seed', [...init('x.json'), '--seed', '-1'], 'CLI_USAGE', 'a whole number, 0 or more'],
  [
    'generate with a key that it does not read',
    ['generate', ...model, '--prompt', 'x', 'train.seed=1'],
    'CLI_USAGE',
    'train.seed=1',
  ],
  ['score with a second file', ['score', 'rows.jsonl', 'b.jsonl', ...model, '--output', 'o'], 'CLI_USAGE', 'b.jsonl'],
  ['chat without a model', ['chat'], 'CLI_USAGE', '--model'],
  [
    'merge without an adapter',
    ['merge', ...model, '--adapter', 'adapter', '--output', 'merged'],
    'NN_ADAPTER_FILE',
    'adapter',
  ],
  [
    'merge to an unknown dtype',
    ['merge', ...model, '--adapter', 'a', '--output', 'm', '--dtype', 'F7'],
    'CLI_USAGE',
    'Allowed choices',
  ],
  ['check without a config', ['check'], 'CORE_CONFIG_MISSING', 'llmf.yaml'],
];

export const otherCommands: BadInput[] = table.map(([title, argv, code, text, files = {}]) => ({
  title,
  files: { 'rows.jsonl': rows, ...files },
  withModel: true,
  argv,
  code: `LLMF_${code}`,
  text,
}));
