// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { LlmfError, resolveConfig, type Engine } from '@llmf/core';
import { repository } from './command.js';

export interface Page {
  /** Relative to the repository. */
  readonly name: string;
  readonly text: string;
}

/** A fenced block: `language` and `label` are the first word behind the fence and what follows it. */
export interface Block {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly label: string;
  readonly text: string;
}

/** Every page that a reader of the repository meets. */
export function pages(): Page[] {
  const folders = ['.', 'docs', 'recipes', 'examples', ...below('examples'), ...below('packages')];
  return folders.flatMap((folder) =>
    readdirSync(join(repository, folder))
      .filter((name) => name.endsWith('.md') && !name.startsWith('CHANGELOG'))
      .map((name) => pageOf(join(repository, folder, name))),
  );
}

export const pageNamed = (name: string): Page => pageOf(join(repository, name));

function below(folder: string): string[] {
  return readdirSync(join(repository, folder), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [join(folder, entry.name)] : [],
  );
}

const pageOf = (file: string): Page => ({ name: relative(repository, file), text: readFileSync(file, 'utf8') });

export function blocksOf({ name, text }: Page): Block[] {
  return [...text.matchAll(/^```(\w*)([^\n]*)\n([^]*?)^```$/gm)].map(
    ([, language = '', label = '', body = ''], at) => ({
      page: name,
      line: text.slice(0, nth(text, at)).split('\n').length,
      language,
      label: label.trim(),
      text: body,
    }),
  );
}

/** Where the n-th fence of a page opens. */
function nth(text: string, n: number): number {
  return [...text.matchAll(/^```(\w*)([^\n]*)\n([^]*?)^```$/gm)][n]!.index;
}

/** Cells of the table whose head starts with this cell, below a heading. */
export function tableRows({ text }: Page, heading: string, firstHead: string): string[][] {
  const section = text.slice(`\n${text}`.indexOf(`\n${heading}\n`));
  const lines = section.slice(section.search(new RegExp(`^\\| ${firstHead} `, 'm'))).split('\n');
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(2, end).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|')),
  );
}

/** What is wrong with a config, completed where it is only a part of one; null: nothing. */
export async function problemOf(engine: Engine, part: Readonly<Record<string, unknown>>): Promise<string | null> {
  const base = { model: { path: 'model' }, data: { train: [{ path: 'rows.jsonl' }] } };
  const usual = 'rewards' in part ? 'grpo' : 'sft'; // rewards are read by stages that write answers
  const stage = 'stage' in part || 'loss' in part ? {} : { stage: usual };
  const data = { ...base.data, ...(part['data'] as object | undefined) };
  try {
    await resolveConfig(engine, { ...base, ...stage, ...part, data }, { source });
    return null;
  } catch (error) {
    if (LlmfError.is(error)) return error.message;
    throw error;
  }
}

export const source = { locate: () => 'docs' };
