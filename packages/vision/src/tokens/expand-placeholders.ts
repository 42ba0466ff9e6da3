// SPDX-License-Identifier: Apache-2.0
import { visionErrors } from '../errors.js';
import type { MediaKind, MediaTokens } from './media-tokens.js';

/** One image or video as the token sequence sees it. */
export interface MediaSize {
  readonly kind: MediaKind;
  /** Language-model tokens it takes. */
  readonly tokens: number;
}

/**
 * Repeats every pad token as often as its medium has tokens: one pad in, `tokens` pads out, in the order of the media
 * of that kind. `counted` (the loss mask) grows with it; media tokens are never counted.
 * @param where the row, for messages
 * @throws LLMF_VISION_PLACEHOLDER_COUNT when text and media disagree
 */
export function expandPlaceholders(
  ids: Int32Array,
  media: readonly MediaSize[],
  tokens: MediaTokens,
  where: string,
  counted?: Uint8Array,
): { readonly ids: Int32Array; readonly counted: Uint8Array } {
  const sizes = { image: sizesOf(media, 'image'), video: sizesOf(media, 'video') };
  const seen = { image: 0, video: 0 };
  const runs = Array.from(ids, (id) => {
    const kind = kindOfToken(id, tokens);
    return kind === null ? 1 : (sizes[kind][seen[kind]++] ?? 0);
  });
  for (const kind of ['image', 'video'] as const) {
    if (seen[kind] === sizes[kind].length) continue;
    throw visionErrors.placeholderCount({ where, placeholders: seen[kind], media: sizes[kind].length, kind });
  }
  const total = runs.reduce((sum, run) => sum + run, 0);
  const expanded = new Int32Array(total);
  const mask = new Uint8Array(total);
  let to = 0;
  for (let from = 0; from < ids.length; from++) {
    const isMedia = kindOfToken(ids[from]!, tokens) !== null;
    expanded.fill(ids[from]!, to, to + runs[from]!);
    mask.fill(isMedia ? 0 : (counted?.[from] ?? 0), to, to + runs[from]!);
    to += runs[from]!;
  }
  return { ids: expanded, counted: mask };
}

/** Which kind of medium a token id stands for. */
export function kindOfToken(id: number, tokens: MediaTokens): MediaKind | null {
  if (id === tokens.image) return 'image';
  return id === tokens.video ? 'video' : null;
}

const sizesOf = (media: readonly MediaSize[], kind: MediaKind) =>
  media.filter((medium) => medium.kind === kind).map((medium) => medium.tokens);
