// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { LlmfError, type DroppedRow, type EncodedRow, type RowSet } from '@llmf/core';
import { visionErrors } from '../errors.js';
import type { MediaAccess } from '../media/open-media.js';
import { insideFolder } from '../media/open-media.js';
import type { ImageSettings } from '../processor/process-image.js';
import { videoFrames } from '../processor/process-video.js';
import { expandPlaceholders } from '../tokens/expand-placeholders.js';
import type { MediaKind } from '../tokens/media-tokens.js';
import { rowPositions, type MropeOptions } from '../tokens/mrope-positions.js';
import { collapsePads, type CollapsedPads } from './collapse-pads.js';
import { fitRow, padsIn, type FitSettings, type MediaRow } from './fit-row.js';
import type { HeaderIndex, KnownImage } from './header-index.js';
import { planGrid, planTokens, type MediaPlan, type PerKind } from './media-plan.js';
import { rowMedia } from './row-media.js';

/** Frames of a video kept as a folder of images. */
export interface VideoSettings {
  /** Frames per second that the folder holds. */
  readonly framesPerSecond: number;
  readonly maxFrames: number;
}

export interface MediaRowSettings {
  readonly access: Omit<MediaAccess, 'folder'>;
  /** Folder of relative paths; null: the data file's. */
  readonly folder: string | null;
  readonly media: PerKind<ImageSettings>;
  readonly video: VideoSettings;
  readonly fit: Omit<FitSettings, 'media'>;
  readonly mrope: MropeOptions;
  /** A bad picture ends the run, or drops its row with a reason. */
  readonly onBadMedia: 'error' | 'drop';
  /** Name of the split, for the report. */
  readonly split: string;
}

/** A medium as the data plugin hands it over. */
interface GivenMedia {
  readonly kind: string;
  readonly value: unknown;
  readonly folder: string;
}

const chunkRows = 256;

/**
 * A split with its media counted in: rows come out with pads expanded, positions set and media planned, all from file
 * headers. Rows that do not fit or whose media are bad are changed or dropped, and reported.
 */
export class MediaRows implements RowSet {
  private constructor(
    private readonly base: RowSet,
    private readonly settings: MediaRowSettings,
    private readonly headers: HeaderIndex,
    private readonly kept: Int32Array,
    private readonly tokens: Int32Array,
    readonly fingerprint: string,
    readonly dropped: readonly DroppedRow[],
  ) {}

  /** Looks at every row once. @throws the coded error of the first bad medium where `onBadMedia` is `error` */
  static async prepare(base: RowSet, settings: MediaRowSettings, headers: HeaderIndex): Promise<MediaRows> {
    const kept: number[] = [];
    const tokens: number[] = [];
    const dropped: DroppedRow[] = [...base.dropped];
    const hash = createHash('sha256').update(base.fingerprint).update(settingsText(settings));
    const report = (row: EncodedRow, action: DroppedRow['action'], reason: string) =>
      dropped.push({ source: settings.split, row: row.index + 1, action, reason });
    for (let start = 0; start < base.length; start += chunkRows) {
      const indices = Array.from({ length: Math.min(chunkRows, base.length - start) }, (_, at) => start + at);
      for (const row of await base.rows(indices)) {
        const planned = await planRow(row, settings, headers);
        if (planned instanceof LlmfError) {
          if (settings.onBadMedia === 'error') throw planned;
          report(row, 'dropped', oneLine(planned));
          continue;
        }
        const fitted = fitRow(planned, { ...settings.fit, media: settings.media });
        if (fitted.row === null) {
          report(row, 'dropped', fitted.reason);
          continue;
        }
        if (fitted.action !== null) report(row, 'truncated', fitted.action);
        for (const { identity, maxPixels } of fitted.row.media) hash.update(`${identity} ${maxPixels}\n`);
        kept.push(row.index);
        tokens.push(storedTokens(fitted.row, settings));
      }
    }
    await headers.save();
    if (kept.length === 0)
      throw visionErrors.noRowsLeft({ split: settings.split, reason: dropped.at(-1)?.reason ?? 'the split is empty' });
    const fingerprint = hash.digest('hex');
    return new MediaRows(base, settings, headers, Int32Array.from(kept), Int32Array.from(tokens), fingerprint, dropped);
  }

  get length(): number {
    return this.kept.length;
  }

  async rows(indices: readonly number[]): Promise<EncodedRow[]> {
    const given = await this.base.rows(indices.map((index) => this.kept[index]!));
    return Promise.all(given.map(async (row, at) => this.#complete(row, indices[at]!)));
  }

  tokensOf(index: number): number {
    return this.tokens[index]!;
  }

  close(): Promise<void> {
    return this.base.close();
  }

  async #complete(row: EncodedRow, index: number): Promise<EncodedRow> {
    const planned = await planRow(row, this.settings, this.headers);
    if (planned instanceof LlmfError) throw planned; // the file went away or bad since the start
    const fitted = fitRow(planned, { ...this.settings.fit, media: this.settings.media });
    if (fitted.row === null)
      throw visionErrors.mediaChanged({ where: `row ${row.index + 1} of ${this.settings.split}` });
    return completeRow({ ...row, index }, fitted.row, this.settings);
  }
}

/** Pads expanded, positions set. */
export function completeRow(
  row: EncodedRow,
  { prompt, responses, media }: MediaRow,
  { fit, mrope, split, media: kinds }: Pick<MediaRowSettings, 'fit' | 'mrope' | 'split' | 'media'>,
): EncodedRow {
  const where = `row ${row.index + 1} of ${split}`;
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

/** The row with its media looked up, pads and media matched; or what is wrong with them. */
async function planRow(
  row: EncodedRow,
  settings: MediaRowSettings,
  headers: HeaderIndex,
): Promise<MediaRow | LlmfError> {
  const where = `row ${row.index + 1} of ${settings.split}`;
  try {
    const { tokens } = settings.fit;
    const prompt = collapsePads(row.prompt, new Uint8Array(row.prompt.length), tokens);
    const answers = row.responses.map(({ ids, counted }) => collapsePads(ids, counted, tokens));
    const given = row.media as readonly GivenMedia[];
    const planned = await Promise.all(given.map((medium) => planMedium(medium, settings, headers)));
    const parts = [prompt, ...answers];
    const media = inTokenOrder(
      parts.map(({ ids }) => ids),
      planned,
      settings.fit,
      where,
    );
    checkRuns(parts, media, settings.media);
    const responses = row.responses.map(({ role }, at) => ({
      role,
      ids: answers[at]!.ids,
      counted: answers[at]!.counted,
    }));
    return { prompt: prompt.ids, responses, media };
  } catch (error) {
    if (LlmfError.is(error)) return error;
    throw error;
  }
}

async function planMedium(
  { kind, value, folder: given }: GivenMedia,
  settings: MediaRowSettings,
  headers: HeaderIndex,
): Promise<MediaPlan> {
  const folder = settings.folder ?? given;
  const access = { ...settings.access, folder };
  if (kind === 'image') {
    const { limits, exif } = settings.media.image;
    const known = await headers.look(value, access, limits, exif);
    return plan('image', value, folder, known, 1, settings.media.image);
  }
  if (kind !== 'video') throw visionErrors.mediaReference({ got: `${kind} (${JSON.stringify(value)})` });
  const { maxFrames, framesPerSecond } = settings.video;
  const image = settings.media.video;
  const path = await insideFolder(String(value), access);
  const all = await videoFrames(path);
  const known = await headers.look(all[0], { ...access, folder: path, outsideFolder: true }, image.limits, image.exif);
  const frames = Math.min(all.length, maxFrames);
  // Sampling fewer frames stretches the time that each stands for.
  const secondsPerPatch = (image.processor.temporalPatchSize * all.length) / (framesPerSecond * frames);
  const identity = `${known.identity}/${all.length}`;
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
function checkRuns(parts: readonly CollapsedPads[], media: readonly MediaPlan[], kinds: PerKind<ImageSettings>): void {
  const runs = parts.flatMap((part) => part.runs);
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

/** Prompt and all answers, media in full. */
function storedTokens({ prompt, responses, media }: MediaRow, { media: kinds }: MediaRowSettings): number {
  const ids = responses.reduce((sum, response) => sum + response.ids.length, prompt.length);
  return media.reduce((sum, medium) => sum + planTokens(medium, kinds) - 1, ids);
}

const oneLine = (error: LlmfError) => error.message.replaceAll(/\n\s*/g, '; ');

/** Settings that change a row's tokens or pixels. */
function settingsText({ media, video, fit, mrope }: MediaRowSettings): string {
  const kinds = [media.image, media.video].map(({ processor, preResize, exif }) => [processor, preResize, exif]);
  return JSON.stringify([kinds, video, fit.maxLength, fit.policy, mrope]);
}
