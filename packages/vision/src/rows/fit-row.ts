// SPDX-License-Identifier: Apache-2.0
/**
 * Truncation that never cuts inside a picture. Works on rows in which every medium is still one pad token, so that a
 * medium can only stay whole, shrink by its pixels, or go together with the text around it.
 */
import type { EncodedResponse } from '@llmf/training';
import { kindOfToken } from '../tokens/expand-placeholders.js';
import type { MediaTokens } from '../tokens/media-tokens.js';
import { planTokens, shrinkPlan, type GridSettings, type MediaPlan, type PerKind } from './media-plan.js';

/** shrink: fewer pixels; dropTurns: the oldest whole exchanges go; dropRow: the row goes. */
export type MediaTruncation = 'shrink' | 'dropTurns' | 'dropRow';

/** Token ids by which turns are told apart: what opens a turn, and the user's role behind it. */
export interface TurnTokens {
  readonly start: number;
  readonly user: number;
}

export interface FitSettings {
  /** Tokens of the prompt with its longest answer, media counted in full. */
  readonly maxLength: number;
  readonly policy: MediaTruncation;
  readonly tokens: MediaTokens;
  /** null: turns cannot be told apart, so none is dropped. */
  readonly turns: TurnTokens | null;
  readonly media: PerKind<GridSettings>;
}

/** One row with its media in the order of their pads: the prompt's, then each answer's. */
export interface MediaRow {
  readonly prompt: Int32Array;
  readonly responses: readonly EncodedResponse[];
  readonly media: readonly MediaPlan[];
}

export type Fitted =
  | { readonly row: MediaRow; /** What was done, for the report; null: nothing. */ readonly action: string | null }
  | { readonly row: null; readonly reason: string };

/** Makes a row fit into `maxLength` by the policy, then by cutting answers at their end; else says why it cannot. */
export function fitRow(row: MediaRow, settings: FitSettings): Fitted {
  const { maxLength, policy } = settings;
  const length = rowLength(row, settings);
  if (length <= maxLength) return { row, action: null };
  const tooLong = `${length} tokens with its media, maxLength ${maxLength}`;
  if (policy === 'dropRow') return { row: null, reason: `too long (${tooLong})` };
  const [reduced, how] = policy === 'shrink' ? shrinkMedia(row, settings) : dropTurns(row, settings);
  const cut = cutAnswers(reduced, settings);
  if (cut === null) return { row: null, reason: `too long (${tooLong})${how === null ? '' : `, also after ${how}`}` };
  const action = [how, cut === reduced ? null : 'cutting answers'].filter((part) => part !== null).join(' and ');
  return { row: cut, action: `${tooLong}: ${action} gives ${rowLength(cut, settings)}` };
}

/** Tokens of the prompt with its longest answer, media counted in full. */
export function rowLength(
  { prompt, responses, media }: MediaRow,
  settings: Pick<FitSettings, 'tokens' | 'media'>,
): number {
  let used = padsIn(prompt, settings.tokens);
  const promptLength = prompt.length + extraTokens(media.slice(0, used), settings);
  const answers = responses.map(({ ids }) => {
    const own = media.slice(used, (used += padsIn(ids, settings.tokens)));
    return ids.length + extraTokens(own, settings);
  });
  return promptLength + Math.max(0, ...answers);
}

export const padsIn = (ids: Int32Array, tokens: MediaTokens): number =>
  ids.reduce((count, id) => count + (kindOfToken(id, tokens) === null ? 0 : 1), 0);

/** Tokens beyond the one pad each. */
const extraTokens = (media: readonly MediaPlan[], settings: Pick<FitSettings, 'media'>) =>
  media.reduce((sum, plan) => sum + planTokens(plan, settings.media) - 1, 0);

/** The largest common pixel limit with which the row fits; the smallest possible when none does. */
function shrinkMedia(row: MediaRow, settings: FitSettings): [MediaRow, string | null] {
  if (row.media.length === 0) return [row, null];
  const { processor } = settings.media.image;
  const side = processor.patchSize * processor.mergeSize;
  const limited = (blocks: number): MediaRow => ({
    ...row,
    media: row.media.map((plan) =>
      shrinkPlan(plan, Math.min(blocks * side * side, plan.maxPixels ?? Infinity), settings.media),
    ),
  });
  let least = Math.max(1, Math.ceil(processor.minPixels / (side * side)));
  let most = Math.max(least, ...row.media.map(({ grid }) => (grid.h * grid.w) / processor.mergeSize ** 2));
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (rowLength(limited(middle), settings) <= settings.maxLength) least = middle;
    else most = middle - 1;
  }
  return [limited(least), `limiting its media to ${least * side * side} pixels`];
}

/** Drops exchanges (a user's turn and all up to the next) from the oldest on; what precedes the first one stays. */
function dropTurns(row: MediaRow, settings: FitSettings): [MediaRow, string | null] {
  const starts = exchangeStarts(row.prompt, settings.turns);
  let current = row;
  let dropped = 0;
  while (dropped < starts.length - 1 && rowLength(current, settings) > settings.maxLength) {
    dropped += 1;
    const [head, tail] = [row.prompt.slice(0, starts[0]), row.prompt.slice(starts[dropped])];
    const before = padsIn(head, settings.tokens);
    const gone = padsIn(row.prompt.slice(starts[0], starts[dropped]), settings.tokens);
    const media = [...row.media.slice(0, before), ...row.media.slice(before + gone)];
    current = { ...row, prompt: Int32Array.from([...head, ...tail]), media };
  }
  return [current, dropped === 0 ? null : `dropping its ${dropped} oldest exchanges`];
}

function exchangeStarts(prompt: Int32Array, turns: TurnTokens | null): number[] {
  if (turns === null) return [];
  return [...prompt.keys()].filter((at) => prompt[at] === turns.start && prompt[at + 1] === turns.user);
}

/** Cuts answers at their end, never between the tokens of a medium; null when too little would be left. */
function cutAnswers(row: MediaRow, settings: FitSettings): MediaRow | null {
  if (rowLength(row, settings) <= settings.maxLength) return row;
  const { prompt } = row;
  let used = padsIn(prompt, settings.tokens);
  const promptMedia = row.media.slice(0, used);
  const room = settings.maxLength - prompt.length - extraTokens(promptMedia, settings);
  const media = [...promptMedia];
  const responses: EncodedResponse[] = [];
  for (const response of row.responses) {
    const own = row.media.slice(used, (used += padsIn(response.ids, settings.tokens)));
    const end = lastWholeToken(response.ids, own, room, settings);
    const kept = { ...response, ids: response.ids.slice(0, end), counted: response.counted.slice(0, end) };
    if (!kept.counted.some((counted, at) => counted === 1 && (at > 0 || prompt.length > 0))) return null;
    media.push(...own.slice(0, padsIn(kept.ids, settings.tokens)));
    responses.push(kept);
  }
  const [first, second] = responses;
  const areEqual =
    second !== undefined &&
    second.ids.length === first!.ids.length &&
    second.ids.every((id, at) => id === first!.ids[at]);
  return areEqual && first!.role === 'chosen' ? null : { prompt, responses, media };
}

/** How many ids of an answer fit into `room` tokens; an opened medium is closed or left out. */
function lastWholeToken(ids: Int32Array, media: readonly MediaPlan[], room: number, settings: FitSettings): number {
  const { tokens } = settings;
  let left = room;
  let next = 0;
  let end = 0;
  let isOpen = false;
  for (let at = 0; at < ids.length; at++) {
    left -= kindOfToken(ids[at]!, tokens) === null ? 1 : planTokens(media[next++]!, settings.media);
    if (left < 0) break;
    isOpen = ids[at] === tokens.visionStart || (isOpen && ids[at] !== tokens.visionEnd);
    if (!isOpen) end = at + 1;
  }
  return end;
}
