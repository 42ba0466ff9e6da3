// SPDX-License-Identifier: Apache-2.0
// BERT's: the longest token first, from the left; a word that cannot be divided is unknown as a whole.
import { type Json, NoToken, numberOf, stringOf } from '../json.js';
import { readVocabulary, type TokenModel, type Vocabulary } from './model.js';
import { remember } from './piece-cache.js';

/** @throws UnsupportedPart */
export function wordPiece(config: Json): TokenModel {
  const vocabulary = readVocabulary(config);
  const prefix = stringOf(config['continuing_subword_prefix'], '##');
  const most = numberOf(config['max_input_chars_per_word'], 100);
  const unknown = stringOf(config['unk_token'], '[UNK]');
  const encode = (piece: string): readonly number[] => {
    const ids = [...piece].length > most ? null : divideWord(piece, vocabulary, prefix);
    return ids ?? [unknownId(unknown, vocabulary)];
  };
  return { vocabulary, encode: remember(encode) };
}

function divideWord(word: string, vocabulary: Vocabulary, prefix: string): number[] | null {
  const ids: number[] = [];
  for (let start = 0; start < word.length;) {
    let end = word.length;
    let id: number | undefined;
    for (; end > start; end--) {
      id = vocabulary.id((start > 0 ? prefix : '') + word.slice(start, end));
      if (id !== undefined) break;
    }
    if (id === undefined) return null;
    ids.push(id);
    start = end;
  }
  return ids;
}

/** @throws NoToken */
export function unknownId(token: string, vocabulary: Vocabulary): number {
  const id = vocabulary.id(token);
  if (id === undefined) throw new NoToken(`unk_token ${JSON.stringify(token)} is not in the vocabulary`);
  return id;
}
