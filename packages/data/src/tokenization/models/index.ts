// SPDX-License-Identifier: Apache-2.0
import { type Json, stringOf, UnsupportedPart } from '../json.js';
import { bpe } from './bpe.js';
import type { TokenModel } from './model.js';
import { unigram } from './unigram.js';
import { wordLevel } from './word-level.js';
import { wordPiece } from './word-piece.js';

const builders: Readonly<Record<string, (config: Json) => TokenModel>> = {
  BPE: bpe,
  Unigram: unigram,
  WordPiece: wordPiece,
  WordLevel: wordLevel,
};

/** `model` of tokenizer.json. @throws UnsupportedPart */
export function tokenModel(config: Json): TokenModel {
  const type = stringOf(config['type'], typeOf(config));
  const build = Object.hasOwn(builders, type) ? builders[type] : undefined;
  if (build === undefined) throw new UnsupportedPart(`model ${type}`, 'this kind is not computed here');
  return build(config);
}

/** The old layout (before tokenizers 0.8) has no `type`: a list of scored pieces is Unigram, merges are BPE. */
function typeOf(config: Json): string {
  if (Array.isArray(config['vocab'])) return 'Unigram';
  if ('merges' in config) return 'BPE';
  return 'continuing_subword_prefix' in config ? 'WordPiece' : 'WordLevel';
}
