// SPDX-License-Identifier: Apache-2.0
import { type Json, stringOf } from '../json.js';
import { readVocabulary, type TokenModel } from './model.js';
import { unknownId } from './word-piece.js';

/** Every piece is a token, or unknown. @throws UnsupportedPart */
export function wordLevel(config: Json): TokenModel {
  const vocabulary = readVocabulary(config);
  const unknown = stringOf(config['unk_token'], '<unk>');
  return { vocabulary, encode: (piece) => [vocabulary.id(piece) ?? unknownId(unknown, vocabulary)] };
}
