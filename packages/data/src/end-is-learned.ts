// SPDX-License-Identifier: Apache-2.0
import type { EncodedRow } from '@llmf/training';
import { stopTokens } from './prompt.js';
import type { ChosenTemplate } from './templates/choose.js';
import type { Tokenizer } from './tokenizer.js';

/** Rows that are looked at: a layout that loses its ends loses them in all. */
export const rowsLookedAt = 16;

/**
 * A sentence where none of these rows counts a token that ends an answer, so that the model would not learn to stop; null
 * where one does, or where no template wrote the ends.
 */
export function endNotLearned(
  rows: readonly EncodedRow[],
  tokenizer: Tokenizer,
  template: ChosenTemplate,
): string | null {
  if (template.plain === 'asIs') return null;
  const stops = new Set(stopTokens(tokenizer, template));
  if (stops.size === 0) return null;
  const isLearned = rows.some(({ responses }) =>
    responses.some(({ ids, counted }) => ids.some((id, at) => counted[at] === 1 && stops.has(id))),
  );
  if (isLearned || rows.length === 0) return null;
  const names = [...stops].map((id) => tokenizer.tokenText(id)).join(', ');
  return `none of the first ${rows.length} rows learns a token that ends an answer (${names}): the model will not learn to stop`;
}
