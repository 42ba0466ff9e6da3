// SPDX-License-Identifier: Apache-2.0
import { copyFile, cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkModelFolder } from '@llmf/core';

/** Files beside config and weights that make a model usable, as Transformers names them. */
const companions = new Set([
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'vocab.txt',
  'merges.txt',
  'tokenizer.model',
  'spiece.model',
  'chat_template.jinja',
  'chat_template.json',
  'additional_chat_templates',
  'generation_config.json',
  'preprocessor_config.json',
  'processor_config.json',
  'image_processor_config.json',
  'video_preprocessor_config.json',
]);

/** Copies tokenizer, template, generation and image-processor files from one model folder to another; returns their names. */
export async function copyCompanions(from: string, to: string): Promise<string[]> {
  await checkModelFolder(from);
  const names = (await readdir(from, { withFileTypes: true })).filter(({ name }) => companions.has(name));
  for (const entry of names) {
    const copy = entry.isDirectory() ? cp(join(from, entry.name), join(to, entry.name), { recursive: true }) : null;
    await (copy ?? copyFile(join(from, entry.name), join(to, entry.name)));
  }
  return names.map(({ name }) => name);
}

/** Those that say how texts become tokens. */
const tokenFiles = [...companions].filter((name) => !/processor_config|generation_config/.test(name));

/**
 * The same over the files of another folder: a folder with a tokenizer of its own, such as that of an adapter, brings its
 * templates too, and none of the other's stays behind. Without a tokenizer it brings nothing.
 */
export async function overlayCompanions(from: string, to: string): Promise<void> {
  if (!(await readdir(from)).includes('tokenizer.json')) return;
  for (const name of tokenFiles) await rm(join(to, name), { recursive: true, force: true });
  await copyCompanions(from, to);
}
