// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { readIfThere } from '@llmf/core';

/** Do two folders give every id the same token? True where one of them has no tokenizer. */
export async function sameVocabulary(one: string, other: string): Promise<boolean> {
  const [first, second] = [await tokensOf(one), await tokensOf(other)];
  if (first === null || second === null) return true;
  return first.size === second.size && [...first].every(([id, token]) => second.get(id) === token);
}

/** Token of each id; the added ones stand above the vocabulary. */
async function tokensOf(folder: string): Promise<Map<number, string> | null> {
  const text = await readIfThere(join(folder, 'tokenizer.json'));
  if (text === null) return null;
  const { model, added_tokens: added = [] } = JSON.parse(text) as {
    readonly model?: { readonly vocab?: Readonly<Record<string, number>> | readonly (readonly [string, number])[] };
    readonly added_tokens?: readonly { readonly id: number; readonly content: string }[];
  };
  const vocab = model?.vocab ?? {};
  const known = Array.isArray(vocab)
    ? (vocab as readonly (readonly [string, number])[]).map(([token], id) => [id, token] as const)
    : Object.entries(vocab as Readonly<Record<string, number>>).map(([token, id]) => [id, token] as const);
  return new Map([...known, ...added.map(({ id, content }) => [id, content] as const)]);
}
