// SPDX-License-Identifier: Apache-2.0
import { LlmfError } from '@llmf/core';
import type { EncodedRow } from '@llmf/training';
import { visionErrors } from '../errors.js';
import { framePaths } from '../media/video-frames.js';
import type { ImageSettings } from '../processor/process-image.js';
import type { MediaKind } from '../tokens/media-tokens.js';
import { collapsePads, type CollapsedPads } from './collapse-pads.js';
import type { FitSettings, MediaRow } from './fit-row.js';
import type { HeaderIndex, KnownImage } from './header-index.js';
import { planGrid, planTokens, type MediaPlan, type PerKind } from './media-plan.js';
import type { MediaRowSettings } from './media-row-settings.js';

/** A medium as the data plugin hands it over. */
interface GivenMedia {
  readonly kind: string;
  readonly value: unknown;
  readonly folder: string;
  /** `folder` then is the root of the file system. */
  readonly isNamedByUser?: true;
}

/** A row's prompt and answers with one pad per medium, as text would give them. */
export interface CollapsedRow extends Omit<MediaRow, 'media'> {
  readonly runs: CollapsedPads['runs'];
}

export function collapseRow({ prompt, responses }: EncodedRow, tokens: FitSettings['tokens']): CollapsedRow {
  const first = collapsePads(prompt, new Uint8Array(prompt.length), tokens);
  const answers = responses.map(({ role, ids, counted }) => ({ role, ...collapsePads(ids, counted, tokens) }));
  return {
    prompt: first.ids,
    responses: answers.map(({ role, ids, counted }) => ({ role, ids, counted })),
    runs: [first, ...answers].flatMap(({ runs }) => runs),
  };
}

/** The row with its media looked up, pads and media matched; or what is wrong with them. */
export async function planRow(
  row: EncodedRow,
  settings: MediaRowSettings,
  headers: HeaderIndex,
  where: string,
): Promise<MediaRow | LlmfError> {
  try {
    const { prompt, responses, runs } = collapseRow(row, settings.fit.tokens);
    const given = row.media as readonly GivenMedia[];
    const planned = await Promise.all(given.map((medium) => planMedium(medium, settings, headers)));
    const media = inTokenOrder([prompt, ...responses.map(({ ids }) => ids)], planned, settings.fit, where);
    checkRuns(runs, media, settings.media);
    return { prompt, responses, media };
  } catch (error) {
    if (LlmfError.is(error)) return error;
    throw error;
  }
}

/** @throws LLMF_VISION_NO_FILMS, LLMF_VISION_MEDIA_REFERENCE */
async function planMedium(
  { kind, value, folder: given, isNamedByUser }: GivenMedia,
  settings: MediaRowSettings,
  headers: HeaderIndex,
): Promise<MediaPlan> {
  const folder = isNamedByUser === true ? given : (settings.folder ?? given);
  const access = { ...settings.access, folder };
  if (kind === 'image') {
    const { limits, exif } = settings.media.image;
    const known = await headers.look(value, access, limits, exif);
    return plan('image', value, folder, known, 1, settings.media.image);
  }
  if (kind !== 'video') throw visionErrors.mediaReference({ got: `${kind} (${JSON.stringify(value)})` });
  if (!settings.hasFilms) throw visionErrors.noFilms({ got: JSON.stringify(value) });
  const { maxFrames, framesPerSecond } = settings.video;
  const image = settings.media.video;
  const all = await framePaths(value, access);
  const known = await headers.look(all[0], { ...access, outsideFolder: true }, image.limits, image.exif);
  const frames = Math.min(all.length, maxFrames);
  // Sampling fewer frames stretches the time that each stands for.
  const secondsPerPatch = (image.processor.temporalPatchSize * all.length) / (framesPerSecond * frames);
  const identity = `${known.identity}/${await headers.contentOf(all)}`;
  return { ...plan('video', value, folder, { ...known, identity }, frames, image), secondsPerPatch };
}

function plan(
  kind: MediaKind,
  value: unknown,
  folder: string,
  known: KnownImage,
  frames: number,
  image: ImageSettings,
): MediaPlan {
  const { size, identity } = known;
  return { kind, value, folder, identity, size, frames, maxPixels: null, grid: planGrid(size, frames, null, image) };
}

/** Ids that came expanded must have as many pads as their media have tokens. @throws LLMF_VISION_TOKEN_RUN */
function checkRuns(runs: CollapsedPads['runs'], media: readonly MediaPlan[], kinds: PerKind<ImageSettings>): void {
  runs.forEach(({ at, length }, index) => {
    const expected = planTokens(media[index]!, kinds);
    if (length > 1 && length !== expected) throw visionErrors.tokenRun({ at, got: length, expected });
  });
}

/** Media in the order of their pads; both kinds are given in their own order. @throws LLMF_VISION_PLACEHOLDER_COUNT */
function inTokenOrder(
  ids: readonly Int32Array[],
  media: readonly MediaPlan[],
  { tokens }: Pick<FitSettings, 'tokens'>,
  where: string,
): MediaPlan[] {
  const waiting = {
    image: media.filter(({ kind }) => kind === 'image'),
    video: media.filter(({ kind }) => kind === 'video'),
  };
  const counts = { image: 0, video: 0 };
  const ordered: MediaPlan[] = [];
  for (const part of ids) {
    for (const id of part) {
      const kind = id === tokens.image ? 'image' : id === tokens.video ? 'video' : null;
      if (kind === null) continue;
      const next = waiting[kind][counts[kind]++];
      if (next !== undefined) ordered.push(next);
    }
  }
  for (const kind of ['image', 'video'] as const) {
    if (counts[kind] === waiting[kind].length) continue;
    throw visionErrors.placeholderCount({ where, placeholders: counts[kind], media: waiting[kind].length, kind });
  }
  return ordered;
}
