// SPDX-License-Identifier: Apache-2.0
import { toyConfig, toyPlugin, type TestFolder } from '../support/folder.js';

/** One thing a user may get wrong, and what llmf must say. */
export interface BadInput {
  readonly title: string;
  /** Left out: the toy config. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** A tiny model lies in `model/`. */
  readonly withModel?: boolean;
  readonly argv: readonly string[];
  readonly code: string;
  readonly text: string;
  /** Default: 1. */
  readonly status?: 1 | 2;
  readonly prepare?: (folder: TestFolder) => Promise<void>;
}

export const train = ['train', '--plugin', toyPlugin];

/** A line added to the toy config, or what is to be replaced in it by what. */
export type Change = string | readonly [from: string | RegExp, to: string];

export function changed(change: Change): string {
  if (typeof change === 'string') return `${toyConfig}${change}\n`;
  return edited(toyConfig, [change]);
}

type Row = readonly [title: string, change: Change, code: string, text: string];

/** Mistakes in a config that is otherwise right. */
export const inConfig = (rows: readonly Row[]): BadInput[] =>
  rows.map(([title, change, code, text]) => ({
    title,
    files: { 'llmf.yaml': changed(change) },
    argv: train,
    code: `LLMF_CORE_${code}`,
    text,
  }));

type PluginRow = readonly [title: string, source: string, code: string, text: string, status?: 1 | 2];

/** Plugin files that are wrong, loaded beside the toy stage. */
export const inPlugin = (rows: readonly PluginRow[]): BadInput[] =>
  rows.map(([title, source, code, text, status = 1]) => ({
    title,
    files: { 'llmf.yaml': toyConfig, 'mine.mjs': source },
    argv: [...train, '--plugin', './mine.mjs'],
    code: `LLMF_CORE_${code}`,
    text,
    status,
  }));

/** A plugin file with this body of `apply(engine)`. */
export const pluginSource = (apply: string, { name = 'mine', apiVersion = 2 } = {}): string =>
  `export default () => ({ name: '${name}', apiVersion: ${apiVersion}, apply(engine) { ${apply} } });`;

type FileRow = readonly [title: string, file: string, content: string, code: string, text: string];

/** Configs that cannot even be read. */
export const asConfigFile = (rows: readonly FileRow[]): BadInput[] =>
  rows.map(([title, file, content, code, text]) => ({
    title,
    files: { [file]: content },
    argv: file.startsWith('llmf.') ? ['train'] : ['train', file],
    code: `LLMF_CORE_${code}`,
    text,
  }));

type ArgumentRow = readonly [title: string, argv: readonly string[], code: string, text: string];

/** Wrong command lines beside the toy config. */
export const onCommandLine = (rows: readonly ArgumentRow[]): BadInput[] =>
  rows.map(([title, argv, code, text]) => ({ title, argv, code: `LLMF_${code}`, text }));

/** The toy config with an option of its stage. */
export const toyStage = (option: string) => changed(['stage: toy', `stage: { name: toy, ${option} }`]);

/** A config that trains the tiny model for two steps on `rows.jsonl`. */
const tinyRun = [
  'model: { path: model }',
  'stage: sft',
  'data: { train: [{ path: rows.jsonl }], maxLength: 64 }',
  'backend: js',
  'train: { maxSteps: 2, batchSize: 2, gradientAccumulation: 1 }',
  'output: run',
  '',
].join('\n');

const goodRows = '{"prompt":"What is a goat?","response":"It is an animal."}\n'.repeat(4);

/** What differs from a tiny run that would succeed. */
export interface TinyRun {
  readonly config?: readonly (readonly [from: string | RegExp, to: string])[];
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly prepare?: (folder: TestFolder) => Promise<void>;
}

type TinyRow = readonly [title: string, run: TinyRun, code: string, text: string];

/** Runs of the tiny model that fail for one reason. */
export const inTinyRun = (rows: readonly TinyRow[]): BadInput[] =>
  rows.map(([title, { config = [], files, prepare }, code, text]) => ({
    title,
    files: { 'llmf.yaml': edited(tinyRun, config), 'rows.jsonl': goodRows, ...files },
    withModel: true,
    argv: ['train'],
    code: `LLMF_${code}`,
    text,
    ...(prepare ? { prepare } : {}),
  }));

function edited(text: string, edits: readonly (readonly [from: string | RegExp, to: string])[]): string {
  return edits.reduce((before, [from, to]) => {
    const after = before.replace(from, to);
    if (after === before) throw new Error(`nothing to replace: ${String(from)}`);
    return after;
  }, text);
}
