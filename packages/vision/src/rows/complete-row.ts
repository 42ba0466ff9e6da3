// SPDX-License-Identifier: Apache-2.0
import { LlmfError } from '@llmf/core';
import type { EncodedRow } from '@llmf/training';
import { expandPlaceholders } from '../tokens/expand-placeholders.js';
import { rowPositions } from '../tokens/mrope-positions.js';
import { padsIn, type MediaRow } from './fit-row.js';
import type { HeaderIndex } from './header-index.js';
import { planTokens } from './media-plan.js';
import type { MediaRowSettings } from './media-row-settings.js';
import { planRow } from './plan-row.js';
import { rowMedia } from './row-media.js';

/** Pads expanded, positions set. */
export function completeRow(
  row: EncodedRow,
  { prompt, responses, media }: MediaRow,
  { fit, mrope, media: kinds }: Pick<MediaRowSettings, 'fit' | 'mrope' | 'media'>,
  where: string,
): EncodedRow {
  const uses = [prompt, ...responses.map(({ ids }) => ids)].map((ids) => padsIn(ids, fit.tokens));
  let used = 0;
  const expand = (ids: Int32Array, part: number, counted?: Uint8Array) => {
    const own = media.slice(used, (used += uses[part]!));
    const sizes = own.map((plan) => ({ kind: plan.kind, tokens: planTokens(plan, kinds) }));
    return expandPlaceholders(ids, sizes, fit.tokens, where, counted);
  };
  const expandedPrompt = expand(prompt, 0).ids;
  const expandedResponses = responses.map((response, at) => ({
    ...response,
    ...expand(response.ids, at + 1, response.counted),
  }));
  const answers = expandedResponses.map(({ ids }) => ids);
  const positions = rowPositions(expandedPrompt, answers, media, mrope);
  return {
    ...row,
    prompt: expandedPrompt,
    responses: expandedResponses,
    media: [rowMedia({ plans: media, uses, positions })],
  };
}

/** A row outside a split (a prompt to answer), looked up and completed. @throws what is wrong with its media */
export async function expandRow(
  row: EncodedRow,
  settings: MediaRowSettings,
  headers: HeaderIndex,
  where: string,
): Promise<EncodedRow> {
  const planned = await planRow(row, settings, headers, where);
  if (planned instanceof LlmfError) throw planned;
  return completeRow(row, planned, settings, where);
}
