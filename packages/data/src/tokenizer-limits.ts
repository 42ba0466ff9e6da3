// SPDX-License-Identifier: Apache-2.0
// What a tokenizer.json may ask for. It comes with a model, from wherever that came: an id makes a table of its size, an
// expression may take exponential time, and neither shows until a text is encoded.

import { repeatsRepetition } from '@llmf/core';

type Json = Record<string, unknown>;

/** Ids may have holes (reserved tokens), but not more of them than this beside twice the number of tokens. */
const mostUnusedIds = 100_000;
const longestExpression = 4_000;
/** Levels of sequences of normalizers and the like. */
const deepestPart = 50;

/** What is wrong with a parsed tokenizer.json; null: nothing. */
export function tokenizerFault(tokenizer: Json): string | null {
  return idFault(tokenizer) ?? expressionFault(expressionsOf(tokenizer));
}

function idFault(tokenizer: Json): string | null {
  const vocabulary = (tokenizer['model'] as Json | null | undefined)?.['vocab'] ?? {};
  const added = (tokenizer['added_tokens'] ?? []) as readonly Json[];
  if (!Array.isArray(added)) return 'added_tokens is no list';
  const isList = Array.isArray(vocabulary);
  const count = (isList ? vocabulary.length : Object.keys(vocabulary as Json).length) + added.length;
  const most = 2 * count + mostUnusedIds;
  const fault = (token: unknown, id: unknown) => {
    const isId = Number.isSafeInteger(id) && (id as number) >= 0;
    if (isId && (id as number) <= most) return null;
    const what = `token ${JSON.stringify(token)} has the id ${JSON.stringify(id)}`;
    return `${what}; with ${count} tokens, whole numbers up to ${most} are read`;
  };
  for (const token of added) {
    const found = fault(token?.['content'], token?.['id']);
    if (found !== null) return found;
  }
  if (isList) return null;
  for (const [token, id] of Object.entries(vocabulary as Json)) {
    const found = fault(token, id);
    if (found !== null) return found;
  }
  return null;
}

/** Every `Regex` below the parts that hold some; undefined where they stand deeper than any tokenizer's. */
function expressionsOf(tokenizer: Json): string[] | null {
  const found: string[] = [];
  const walk = (part: unknown, depth: number): boolean => {
    if (typeof part !== 'object' || part === null) return true;
    if (depth > deepestPart) return false;
    for (const [key, value] of Object.entries(part)) {
      if (key === 'Regex' && typeof value === 'string') found.push(value);
      else if (!walk(value, depth + 1)) return false;
    }
    return true;
  };
  const parts = ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder'].map((key) => tokenizer[key]);
  return parts.every((part) => walk(part, 0)) ? found : null;
}

function expressionFault(expressions: readonly string[] | null): string | null {
  if (expressions === null) return `its parts stand more than ${deepestPart} levels deep`;
  for (const expression of expressions) {
    const shown = JSON.stringify(expression.slice(0, 80));
    if (expression.length > longestExpression) {
      return `the expression ${shown}… has ${expression.length} characters; at most ${longestExpression} are read`;
    }
    if (repeatsRepetition(expression)) {
      return `the expression ${shown} repeats a group that itself repeats, which takes exponential time`;
    }
  }
  return null;
}
