// SPDX-License-Identifier: Apache-2.0
// Tokens that only the files beside tokenizer.json name. As in Transformers 5.18 (`TokenizersBackend`): those of
// `added_tokens_decoder`, else of added_tokens.json, by their ids, then the named special tokens, then the extra ones.
import { type AddedToken, addedToken } from './added-tokens.js';
import { isRecord, type Json, partsOf } from './json.js';

const named = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

export interface TokenFiles {
  readonly tokenizer: Json;
  readonly config: Json;
  readonly specialTokens: Json;
  readonly addedTokens: Json;
}

export function moreAddedTokens({ tokenizer, config, specialTokens, addedTokens }: TokenFiles): AddedToken[] {
  const listed = isRecord(config['added_tokens_decoder']) ? config['added_tokens_decoder'] : null;
  const settings: Json = listed === null ? { ...config, ...specialTokens } : config;
  const extra = [settings['additional_special_tokens'], settings['extra_special_tokens']].flatMap(valuesOf);
  const specials = [...named.map((key) => settings[key]), ...extra].map((token) => addedToken(token, true));
  const special = specials.filter((token) => token !== null).map((token) => ({ ...token, special: true }));
  const more = listed === null ? fromAddedTokens(addedTokens, special) : fromDecoder(listed);
  const known = new Set(partsOf(tokenizer['added_tokens']).map(({ content }) => content));
  const fresh: AddedToken[] = [];
  for (const token of more) {
    if (isListed(token, tokenizer)) continue;
    const isNamed = special.some(({ content }) => content === token.content);
    fresh.push({ ...token, special: token.special || isNamed });
  }
  for (const token of special) {
    if (known.has(token.content) || fresh.some(({ content }) => content === token.content)) continue;
    fresh.push(token);
  }
  return fresh;
}

const byId = <T>(entries: readonly (readonly [number, T])[]) =>
  entries.toSorted(([a], [b]) => a - b).map(([, value]) => value);

const fromDecoder = (listed: Json): AddedToken[] =>
  byId(Object.entries(listed).map(([id, token]) => [Number(id), addedToken(token)])).filter((token) => token !== null);

function fromAddedTokens(listed: Json, special: readonly AddedToken[]): AddedToken[] {
  const isSpecial = (text: string) => special.some(({ content }) => content === text);
  const entries = Object.entries(listed).map(
    ([text, id]) => [Number(id), addedToken(text, isSpecial(text)) as AddedToken] as const,
  );
  return byId(entries);
}

/** Whether tokenizer.json has this very token, with the same flags. */
function isListed(token: AddedToken, tokenizer: Json): boolean {
  const same = partsOf(tokenizer['added_tokens']).find(({ content }) => content === token.content);
  const found = same === undefined ? null : addedToken(same);
  return found !== null && Object.entries(token).every(([key, value]) => found[key as keyof AddedToken] === value);
}

const valuesOf = (given: unknown): unknown[] =>
  Array.isArray(given) ? given : isRecord(given) ? Object.values(given) : [];
