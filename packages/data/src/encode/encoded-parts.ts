// SPDX-License-Identifier: Apache-2.0
import type { EncodedResponse, EncodedRow } from '@llmf/training';

/** A row's tokens before it has a place in a split. */
export type EncodedParts = Omit<EncodedRow, 'index'>;

/** Tokens of a prompt with its longest answer. */
export function longestLength({ prompt, responses }: Pick<EncodedParts, 'prompt' | 'responses'>): number {
  return prompt.length + responses.reduce((longest, { ids }) => Math.max(longest, ids.length), 0);
}

/** Prompt and all answers. */
export function storedTokens({ prompt, responses }: Pick<EncodedParts, 'prompt' | 'responses'>): number {
  return responses.reduce((sum, { ids }) => sum + ids.length, prompt.length);
}

/**
 * Tokens of a response that a loss can count: marked, and with a token before them to predict them. The first token of
 * a row without a prompt has none.
 */
export function countedTokens(prompt: Int32Array, { counted }: EncodedResponse): number {
  let count = 0;
  for (let at = prompt.length === 0 ? 1 : 0; at < counted.length; at++) count += counted[at]!;
  return count;
}
