// SPDX-License-Identifier: Apache-2.0
import { readSection, type Run } from '@llmf/core';
import type { RowText } from '@llmf/training';
import { dataOptionsSection } from './options.js';
import { stopTokens } from './prompt.js';
import { chooseTemplate } from './templates/choose.js';
import { tokenFoldersOf, tokenizerOrNull } from './tokenizer-of-run.js';

/** How the tokens of a run's rows read; null where they are token ids and there is no tokenizer. */
export async function rowText(run: Run): Promise<RowText | null> {
  const tokenizer = await tokenizerOrNull((await tokenFoldersOf(run)).tokenizer);
  if (tokenizer === null) return null;
  const template = await chooseTemplate(readSection(run.config, dataOptionsSection).template, tokenizer, run.folder);
  return {
    decode: (ids, { specialTokens = false } = {}) => tokenizer.decode(ids, { skipSpecialTokens: !specialTokens }),
    encode: (text) => Int32Array.from([...(tokenizer.addsBos ? [tokenizer.bos!.id] : []), ...tokenizer.encode(text)]),
    endIds: stopTokens(tokenizer, template),
    maskId: tokenizer.mask?.id ?? null,
    continuesWord: (id) => tokenizer.continuesWord(id),
    specialIds: tokenizer.specialIds,
    idOf: (text) => tokenizer.tokenId(text) ?? null,
    size: tokenizer.vocabularySize,
  };
}
