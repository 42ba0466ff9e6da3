// SPDX-License-Identifier: Apache-2.0
/** Tokens that a user adds to a tokenizer’s files, as Transformers' `add_tokens` and `save_pretrained` write them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere } from '@llmf/core';
import { errors } from '../errors.js';
import { Tokenizer } from '../tokenizer.js';
import { addedToken } from './added-tokens.js';
import { isRecord, type Json } from './json.js';

export interface NewToken {
  readonly id: number;
  readonly text: string;
}

/**
 * Ids for new tokens of a folder's tokenizer, behind its largest. @throws LLMF_DATA_NEW_TOKEN for an empty text, one that
 * the tokenizer has, or one that is given twice
 */
export async function newTokens(folder: string, texts: readonly string[]): Promise<NewToken[]> {
  const tokenizer = await Tokenizer.load(folder);
  for (const [at, text] of texts.entries()) {
    const known = tokenizer.tokenId(text);
    const problem =
      text === ''
        ? 'an empty text'
        : known !== undefined
          ? `token ${known} of the tokenizer`
          : texts.indexOf(text) < at
            ? 'given twice'
            : null;
    if (problem !== null) throw errors.newToken({ folder, text, problem });
  }
  return texts.map((text, at) => ({ id: tokenizer.vocabularySize + at, text }));
}

/**
 * Writes them into tokenizer.json, and into the other files of the folder that list such tokens.
 * @param special decoding may leave them out, and no normalizer changes them
 */
export async function addTokens(folder: string, tokens: readonly NewToken[], special: boolean): Promise<void> {
  const flags = (text: string) => addedToken({ content: text, special })!;
  await changeJson(join(folder, 'tokenizer.json'), (file) => {
    const before = Array.isArray(file['added_tokens']) ? (file['added_tokens'] as unknown[]) : [];
    return { ...file, added_tokens: [...before, ...tokens.map(({ id, text }) => ({ id, ...flags(text) }))] };
  });
  await changeJson(join(folder, 'tokenizer_config.json'), (file) => {
    const listed = file['added_tokens_decoder'];
    if (!isRecord(listed)) return file;
    const more = Object.fromEntries(tokens.map(({ id, text }) => [id, flags(text)]));
    return { ...file, added_tokens_decoder: { ...listed, ...more } };
  });
  await changeJson(join(folder, 'added_tokens.json'), (file) => ({
    ...file,
    ...Object.fromEntries(tokens.map(({ id, text }) => [text, id])),
  }));
}

/** A file that is there, changed. */
async function changeJson(path: string, change: (file: Json) => Json): Promise<void> {
  const text = await readIfThere(path);
  if (text === null) return;
  const changed = change(JSON.parse(text.replace(/^\uFEFF/, '')) as Json);
  await writeFile(path, `${JSON.stringify(changed, null, 2)}\n`);
}
