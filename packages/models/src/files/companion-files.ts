// SPDX-License-Identifier: Apache-2.0
import { copyFile, cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkModelFolder } from '@llmf/core';
import { tokenFiles } from '@llmf/nn';

/** Files beside config and weights that make a model usable, as Transformers names them. */
const companions: readonly string[] = [
  ...tokenFiles,
  'generation_config.json',
  'preprocessor_config.json',
  'processor_config.json',
  'image_processor_config.json',
  'video_preprocessor_config.json',
];

/** Copies tokenizer, template, generation and image-processor files from one model folder to another; returns their names. */
export async function copyCompanions(
  from: string,
  to: string,
  which: readonly string[] = companions,
): Promise<string[]> {
  await checkModelFolder(from);
  const names = (await readdir(from, { withFileTypes: true })).filter(({ name }) => which.includes(name));
  for (const entry of names) {
    const copy = entry.isDirectory() ? cp(join(from, entry.name), join(to, entry.name), { recursive: true }) : null;
    await (copy ?? copyFile(join(from, entry.name), join(to, entry.name)));
  }
  return names.map(({ name }) => name);
}

/** Puts a folder's tokenizer and templates in the place of another's, none of which stays. */
export async function replaceTokenFiles(from: string, to: string): Promise<void> {
  for (const name of tokenFiles) await rm(join(to, name), { recursive: true, force: true });
  await copyCompanions(from, to, tokenFiles);
}

/**
 * The companions of one folder over those of another: a folder with a tokenizer of its own, such as that of an adapter,
 * brings its templates too. Without a tokenizer it brings nothing.
 */
export async function overlayCompanions(from: string, to: string): Promise<void> {
  if (!(await readdir(from)).includes('tokenizer.json')) return;
  await replaceTokenFiles(from, to);
  await copyCompanions(from, to);
}
