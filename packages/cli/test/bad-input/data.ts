// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestFolder } from '../support/folder.js';
import { inTinyRun, type TinyRun } from './bad-input.js';

const rows = (...lines: string[]): TinyRun => ({ files: { 'rows.jsonl': lines.map((line) => `${line}\n`).join('') } });
const file = (name: string, content: string | Uint8Array): TinyRun => ({
  config: [['rows.jsonl', name]],
  files: { [name]: content },
});
const entry = (text: string): TinyRun => ({ config: [['{ path: rows.jsonl }', `{ ${text} }`]] });
const option = (text: string): TinyRun => ({ config: [['maxLength: 64', text]] });
const good = '{"prompt":"What is a goat?","response":"It is an animal."}';
const preference: readonly [string, string] = ['stage: sft', 'stage: preference\nloss: sft'];
const without = (name: string) => (folder: TestFolder) => rm(join(folder.path, 'model', name));

export const data = inTinyRun([
  ['a data file that is not there', entry('path: row.jsonl'), 'DATA_FILE_MISSING', 'perhaps rows.jsonl'],
  ['a pattern that matches nothing', entry('path: "*.csv"'), 'DATA_NO_FILES_MATCH', '*.csv'],
  ['a data file of an unknown kind', file('rows.xyz', good), 'DATA_UNKNOWN_FILE_TYPE', '.xyz'],
  ['a broken line of JSONL', rows(good, '{"prompt": "x", "response": }'), 'DATA_BROKEN_JSON', 'rows.jsonl:2:'],
  ['a broken JSON file', file('rows.json', '[\n{"prompt":"a"\n"response":"b"}]'), 'DATA_BROKEN_JSON', 'rows.json:3:'],
  ['a JSON file that ends too early', file('rows.json', `[${good},\n`), 'DATA_BROKEN_JSON', 'rows.json:2'],
  ['a broken CSV file', file('rows.csv', 'prompt,response\na,"b\n'), 'DATA_BROKEN_CSV', 'rows.csv:2'],
  ['a broken Parquet file', file('rows.parquet', 'PAR1 no PAR1'), 'DATA_BROKEN_PARQUET', 'rows.parquet'],
  ['a file in UTF-16', file('rows.json', Buffer.from(`\ufeff[${good}]`, 'utf16le')), 'DATA_ENCODING', 'UTF-8'],
  ['an empty file', rows(), 'DATA_EMPTY_FILE', 'rows.jsonl'],
  ['rows without an answer', rows('{"prompt":"a","response":null}'), 'DATA_WRONG_ROWS', 'columns prompt'],
  ['rows that are all too long', option('maxLength: 2'), 'DATA_NO_ROWS', 'too long'],
  ['columns of no known format', rows('{"foo":1,"bar":2}'), 'DATA_FORMAT_UNDETECTED', 'columns: foo, bar'],
  ['an unknown format', entry('path: rows.jsonl, format: alpacca'), 'DATA_UNKNOWN_FORMAT', 'alpaca'],
  [
    'a column that is not there',
    entry('path: rows.jsonl, columns: { prompt: pormpt }'),
    'DATA_UNKNOWN_COLUMN',
    'pormpt',
  ],
  ['single answers for pairs', { config: [preference] }, 'DATA_WRONG_ROWS', 'rows.jsonl'],
  ['a name without dataset_info.json', entry('dataset: mine'), 'DATA_FILE_MISSING', 'dataset_info.json'],
  [
    'a name that it does not describe',
    { ...entry('dataset: mine'), files: { 'data/dataset_info.json': '{"main":{"file_name":"x.json"}}' } },
    'DATA_INFO_UNKNOWN_NAME',
    'main',
  ],
  ['a held-out part of all rows', option('eval: { split: 4 }'), 'DATA_SPLIT_TOO_LARGE', '4 rows'],
  ['an unknown template', option('template: chatml2'), 'DATA_UNKNOWN_TEMPLATE', 'chatml'],
  ['a template of another tokenizer', option('template: llama3'), 'DATA_TEMPLATE_MISMATCH', '<|eot_id|>'],
  [
    'a broken template',
    { ...option('template: mine.jinja'), files: { 'mine.jinja': '{% for x %}' } },
    'DATA_TEMPLATE_BROKEN',
    'mine.jinja',
  ],
  [
    'two masks that exclude each other',
    option('trainOnPrompt: true, maskHistory: true'),
    'DATA_OPTION_UNFIT',
    'maskHistory',
  ],
  [
    'rows longer than the model sees',
    {
      ...option('maxLength: 4096'),
      files: { 'rows.jsonl': `{"prompt":"${'goat '.repeat(200)}","response":"It is."}\n` },
    },
    'TRAINING_TOO_LONG',
    'set data.maxLength: 128',
  ],
  ['a weight without a mixture', entry('path: rows.jsonl, weight: 2'), 'DATA_OPTION_UNFIT', 'interleaveUnder'],
  ['ids beyond the vocabulary', rows('{"promptIds":[1],"responseIds":[9999]}'), 'DATA_ID_OUT_OF_RANGE', '9999'],
  ['no tokenizer', { prepare: without('tokenizer.json') }, 'DATA_TOKENIZER_MISSING', 'tokenizer.json'],
  [
    'a broken tokenizer',
    { files: { 'model/tokenizer.json': '{"model": 1' } },
    'DATA_TOKENIZER_BROKEN',
    'tokenizer.json',
  ],
]);
