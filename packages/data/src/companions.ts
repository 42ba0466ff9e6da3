// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readSection, writeFileAtomic, type Run, readIfThere } from '@llmf/core';
import { ModelLoaderToken, templateFiles } from '@llmf/nn';
import { dataOptionsSection } from './options.js';
import { stopTokens } from './prompt.js';
import { tokenFoldersOf, tokenizerOrNull } from './tokenizer-of-run.js';
import { chooseTemplate, type ChosenTemplate } from './templates/choose.js';

/**
 * What a run read its rows with, put into the folder that it leaves: the tokenizer of `data.tokenizer`, the template of
 * `data.template`, and the tokens that end a turn of it. Whoever loads the folder then writes prompts as the run did and
 * stops where it learned to stop.
 */
export async function writeCompanions(run: Run, folder: string): Promise<void> {
  const folders = await tokenFoldersOf(run);
  const tokenizer = await tokenizerOrNull(folders.tokenizer);
  if (tokenizer === null) return; // the rows were token ids
  if (folders.tokenizer !== folders.model)
    await run.container.resolve(ModelLoaderToken).replaceTokenFiles(folders.tokenizer, folder);
  const { template: name } = readSection(run.config, dataOptionsSection);
  const template = await chooseTemplate(name, tokenizer, run.folder);
  if (name !== 'auto' && template.chat !== null) await replaceTemplate(template.chat.source, folder);
  const added = await addEnds(folder, folders.model, template, stopTokens(tokenizer, template));
  if (added.length === 0) return;
  const texts = added.map((id) => tokenizer.tokenText(id)).join(', ');
  run.logger.info(
    `generation_config.json: eos_token_id now also names ${texts}, which ended the turns that were learned`,
  );
}

/** One place only, so that no reader finds the old template. */
async function replaceTemplate(source: string, folder: string): Promise<void> {
  for (const name of templateFiles) await rm(join(folder, name), { recursive: true, force: true });
  await writeFileAtomic(join(folder, 'chat_template.jinja'), source);
  const config = await readObject(join(folder, 'tokenizer_config.json'));
  if (config === null || !('chat_template' in config)) return;
  const { chat_template: _, ...rest } = config;
  await writeFileAtomic(join(folder, 'tokenizer_config.json'), `${JSON.stringify(rest, null, 2)}\n`);
}

/** Only where chats were rendered: a plain text ends with the tokenizer's own token. Returns what was missing. */
async function addEnds(
  folder: string,
  modelFolder: string | null,
  { plain }: ChosenTemplate,
  stops: readonly number[],
): Promise<number[]> {
  if (plain !== 'render') return [];
  const file = join(folder, 'generation_config.json');
  const generation = await readObject(file);
  const config = modelFolder === null ? null : await readObject(join(modelFolder, 'config.json'));
  const stated = endsOf(generation?.['eos_token_id'] ?? config?.['eos_token_id']);
  const missing = stops.filter((id) => !stated.includes(id));
  if (missing.length === 0) return [];
  const all = { ...generation, eos_token_id: [...stated, ...missing] };
  await writeFileAtomic(file, `${JSON.stringify(all, null, 2)}\n`);
  return missing;
}

const endsOf = (value: unknown): number[] =>
  (Array.isArray(value) ? value : [value]).filter((id): id is number => typeof id === 'number');

/** null for a file that is not there or no object: who reads it tells what is wrong with it. */
async function readObject(file: string): Promise<Record<string, unknown> | null> {
  const text = await readIfThere(file);
  if (text === null) return null;
  try {
    const content: unknown = JSON.parse(text);
    return typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
