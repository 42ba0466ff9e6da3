// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from 'node:path';
import { checkModelFolder, findSection, isThere, readIfThere, readSection, type Run } from '@llmf/core';
import { errors } from './errors.js';
import { ModelLoaderToken, modelSection } from '@llmf/nn';
import { dataOptionsSection } from './options.js';
import { chooseTemplate, type ChosenTemplate } from './templates/choose.js';
import { Tokenizer } from './tokenizer.js';

/** Folders that a run's tokens depend on. */
export interface TokenFolders {
  /** Folder of `model.path`; null without a model section. */
  readonly model: string | null;
  readonly tokenizer: string;
}

/** @throws LLMF_DATA_TOKENIZER_MISSING when neither data.tokenizer nor model.path names a folder. */
export async function tokenFoldersOf(run: Run): Promise<TokenFolders> {
  const model = await modelFolderOf(run);
  const { tokenizer } = readSection(run.config, dataOptionsSection);
  const folder = tokenizer === null ? model : resolve(run.folder, tokenizer);
  if (folder === null) throw errors.tokenizerMissing({ folder: run.folder });
  await checkModelFolder(folder);
  return { model, tokenizer: folder };
}

/** Tokenizer and template as the run's config names them. @throws LLMF_DATA_TOKENIZER_MISSING and the template's errors. */
export async function tokenizerOfRun(run: Run): Promise<{ tokenizer: Tokenizer; template: ChosenTemplate }> {
  const folders = await tokenFoldersOf(run);
  const tokenizer = await Tokenizer.load(folders.tokenizer);
  const { template } = readSection(run.config, dataOptionsSection);
  return { tokenizer, template: await chooseTemplate(template, tokenizer, run.folder) };
}

/** Rows of token ids need no tokenizer; that the others miss it is told when one of them is met. */
export async function tokenizerOrNull(folder: string): Promise<Tokenizer | null> {
  return (await isThere(join(folder, 'tokenizer.json'))) ? Tokenizer.load(folder) : null;
}

/** `vocab_size` of the model's config.json: ids at or above it do not exist; null where it is not stated. */
export async function vocabularyOf(modelFolder: string): Promise<number | null> {
  const text = await readIfThere(join(modelFolder, 'config.json'));
  if (text === null) return null;
  try {
    const config = JSON.parse(text) as { vocab_size?: unknown; text_config?: { vocab_size?: unknown } };
    const size = config.vocab_size ?? config.text_config?.vocab_size;
    return typeof size === 'number' ? size : null;
  } catch {
    // The loader of the model tells what is wrong with its config.json.
    return null;
  }
}

/** The folder of `model.path`, asked of the models plugin where there is one. */
async function modelFolderOf(run: Run): Promise<string | null> {
  const section = findSection(run.config, modelSection);
  if (section === undefined) return null;
  if (!run.container.has(ModelLoaderToken)) return resolve(run.folder, section.path);
  return run.container.resolve(ModelLoaderToken).locate(section.path, run.folder);
}
