// SPDX-License-Identifier: Apache-2.0
// Byte-pair encoding (Sennrich et al., https://arxiv.org/abs/1508.07909) with what the Rust library adds to it.
import { booleanOf, type Json, NoToken, stringOf, UnsupportedPart } from '../json.js';
import { byteIds } from './byte-pieces.js';
import { Merges } from './merges.js';
import { readVocabulary, type TokenModel } from './model.js';
import { remember } from './piece-cache.js';

/** @throws UnsupportedPart */
export function bpe(config: Json): TokenModel {
  const { dropout } = config;
  if (typeof dropout === 'number' && dropout > 0)
    throw new UnsupportedPart('model.dropout', `${dropout} draws the ids of a text at random; set it to null`);
  const vocabulary = readVocabulary(config);
  const prefix = stringOf(config['continuing_subword_prefix'], '');
  const merges = new Merges(Array.isArray(config['merges']) ? config['merges'] : [], vocabulary, prefix.length);
  const symbols = symbolReader(config, vocabulary, prefix);
  const merged = remember((piece) => merges.apply(symbols(piece)));
  if (!booleanOf(config['ignore_merges'], false)) return { vocabulary, encode: merged };
  return {
    vocabulary,
    encode: (piece) => {
      const id = vocabulary.id(piece);
      return id === undefined ? merged(piece) : [id];
    },
  };
}

/** Ids of a piece's characters before any merge. */
function symbolReader(config: Json, vocabulary: TokenModel['vocabulary'], prefix: string) {
  const suffix = stringOf(config['end_of_word_suffix'], '');
  const fuses = booleanOf(config['fuse_unk'], false);
  const fallsBack = booleanOf(config['byte_fallback'], false);
  const unknown = unknownReader(config['unk_token'], vocabulary);
  return (piece: string): number[] => {
    const ids: number[] = [];
    // An unknown character waits here, so that the next one can join it; bytes in between do not end the wait.
    let waiting: number | null = null;
    for (let at = 0; at < piece.length;) {
      const character = String.fromCodePoint(piece.codePointAt(at) as number);
      const end = at + character.length;
      const symbol = (at === 0 ? '' : prefix) + character + (end === piece.length ? suffix : '');
      at = end;
      const id = vocabulary.id(symbol);
      if (id !== undefined) {
        if (waiting !== null) ids.push(waiting);
        waiting = null;
        ids.push(id);
        continue;
      }
      const bytes = fallsBack ? byteIds(symbol, vocabulary) : null;
      if (bytes !== null) {
        ids.push(...bytes);
        continue;
      }
      if (waiting !== null && !fuses) ids.push(waiting);
      waiting = unknown();
    }
    if (waiting !== null) ids.push(waiting);
    return ids;
  };
}

/** Without an unknown token, unknown characters are left out, as in the Rust library. */
function unknownReader(token: unknown, vocabulary: TokenModel['vocabulary']): () => number | null {
  if (typeof token !== 'string') return () => null;
  const id = vocabulary.id(token);
  if (id !== undefined) return () => id;
  return () => {
    throw new NoToken(`unk_token ${JSON.stringify(token)} is not in the vocabulary`);
  };
}
