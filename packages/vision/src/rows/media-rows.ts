// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LlmfError, throwIfStopped } from '@llmf/core';
import type { DroppedRow, EncodedRow, RowPlace, RowSet, RowSource } from '@llmf/training';
import { visionErrors } from '../errors.js';
import type { MediaAccess } from '../media/open-media.js';
import type { ImageSettings } from '../processor/process-image.js';
import { framePaths } from '../media/video-frames.js';
import { framesIdentity } from '../processor/process-video.js';
import { expandPlaceholders } from '../tokens/expand-placeholders.js';
import type { MediaKind } from '../tokens/media-tokens.js';
import { rowPositions, type MropeOptions } from '../tokens/mrope-positions.js';
import { collapsePads, type CollapsedPads } from './collapse-pads.js';
import { croppedMedia, type Contrast } from './contrast-media.js';
import { fitRow, padsIn, rowLength, type FitSettings, type Fitted, type MediaRow } from './fit-row.js';
import type { HeaderIndex, KnownImage } from './header-index.js';
import { planGrid, planTokens, type MediaPlan, type PerKind } from './media-plan.js';
import { OtherMedia } from './other-media.js';
import { isRowMedia, rowMedia } from './row-media.js';

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
  /** Decodes a medium, or finds that it was, before the first step; null: decoded in their steps. */
  readonly decodeFirst: ((plan: MediaPlan) => Promise<void>) | null;
  /** Aborted when the run shall end. */
  readonly stop?: AbortSignal | undefined;
  /** Name of the split, for errors. */
  readonly split: string;
  /** Rows bring their chosen answer behind other media along; null: they do not. */
  readonly contrast: { readonly kind: Contrast; readonly seed: number } | null;
}

/** A medium as the data plugin hands it over. */
interface GivenMedia {
  readonly kind: string;
  readonly value: unknown;
  readonly folder: string;
  /** `folder` then is the root of the file system. */
  readonly isNamedByUser?: true;
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
    private readonly longest: Int32Array,
    private readonly others: OtherMedia,
    readonly fingerprint: string,
    readonly dropped: readonly DroppedRow[],
  ) {}

  /** Looks at every row once. @throws the coded error of the first bad medium where `onBadMedia` is `error` */
  static async prepare(base: RowSet, settings: MediaRowSettings, headers: HeaderIndex): Promise<MediaRows> {
    const kept: number[] = [];
    const tokens: number[] = [];
    const longest: number[] = [];
    const others = new OtherMedia();
    const dropped: DroppedRow[] = [...base.dropped];
    const hash = createHash('sha256').update(base.fingerprint).update(settingsText(settings));
    const report = (row: EncodedRow, action: DroppedRow['action'], reason: string) =>
      dropped.push({ ...base.placeOf(row.index), action, reason });
    for (let start = 0; start < base.length; start += chunkRows) {
      await nextTurn(); // headers are read without the thread pool: signals come in here
      const indices = Array.from({ length: Math.min(chunkRows, base.length - start) }, (_, at) => start + at);
      for (const row of await base.rows(indices)) {
        throwIfStopped(settings);
        const fitted = await prepareRow(row, settings, headers, placeText(base, row.index));
        if (fitted instanceof LlmfError) {
          if (settings.onBadMedia === 'error') throw fitted;
          report(row, 'dropped', oneLine(fitted));
          continue;
        }
        if (fitted.row === null) {
          report(row, 'dropped', fitted.reason);
          continue;
        }
        if (fitted.action !== null) report(row, 'truncated', fitted.action);
        for (const { identity, maxPixels } of fitted.row.media) hash.update(`${identity} ${maxPixels}\n`);
        kept.push(row.index);
        tokens.push(storedTokens(fitted.row, settings));
        longest.push(rowLength(fitted.row, { ...settings.fit, media: settings.media }));
        others.add(fitted.row.media);
      }
    }
    await headers.save();
    if (kept.length === 0)
      throw visionErrors.noRowsLeft({ split: settings.split, reason: dropped.at(-1)?.reason ?? 'the split is empty' });
    const fingerprint = hash.digest('hex');
    const columns = [kept, tokens, longest].map((column) => Int32Array.from(column)) as [
      Int32Array,
      Int32Array,
      Int32Array,
    ];
    return new MediaRows(base, settings, headers, ...columns, others, fingerprint, dropped);
  }

  get length(): number {
    return this.kept.length;
  }

  async rows(indices: readonly number[]): Promise<EncodedRow[]> {
    const given = await this.base.rows(indices.map((index) => this.kept[index]!));
    return Promise.all(given.map(async (row, at) => this.#complete(row, indices[at]!)));
  }

  /** The rows as they would be with another row's media in their place; those for which there is none are left out. */
  async rowsWithOtherMedia(indices: readonly number[]): Promise<EncodedRow[]> {
    const given = await this.base.rows(indices.map((index) => this.kept[index]!));
    const rows = given.map(async (row, at) => {
      const shown = await this.#withOtherMedia(row, indices[at]!);
      return shown === null
        ? []
        : [completeRow({ ...row, index: indices[at]! }, shown, this.settings, this.#where(row))];
    });
    return (await Promise.all(rows)).flat();
  }

  tokensOf(index: number): number {
    return this.tokens[index]!;
  }

  longestOf(index: number): number {
    return this.longest[index]!;
  }

  placeOf(index: number): RowPlace {
    return this.base.placeOf(this.kept[index]!);
  }

  source(index: number): RowSource {
    return this.base.source(this.kept[index]!);
  }

  close(): Promise<void> {
    return this.base.close();
  }

  async #complete(row: EncodedRow, index: number): Promise<EncodedRow> {
    const fitted = await this.#fitted(row);
    const complete = completeRow({ ...row, index }, fitted, this.settings, this.#where(row));
    const contrast = await this.#contrast(row, index, fitted);
    return contrast === null ? complete : withContrast(complete, contrast);
  }

  async #fitted(row: EncodedRow): Promise<MediaRow> {
    const planned = await planRow(row, this.settings, this.headers, this.#where(row));
    if (planned instanceof LlmfError) throw planned; // the file went away or bad since the start
    const fitted = fitRow(planned, { ...this.settings.fit, media: this.settings.media });
    if (fitted.row === null) throw visionErrors.mediaChanged({ where: this.#where(row) });
    return fitted.row;
  }

  async #contrast(row: EncodedRow, index: number, fitted: MediaRow): Promise<EncodedRow | null> {
    const { contrast } = this.settings;
    if (contrast === null) return null;
    const shown =
      contrast.kind === 'crop'
        ? { ...fitted, media: croppedMedia(fitted.media, index, contrast.seed) }
        : await this.#withOtherMedia(row, index);
    if (shown === null) throw visionErrors.noOtherMedia({ where: this.#where(row) });
    const chosen = shown.responses.findIndex(({ role }) => role === 'chosen');
    const uses = [shown.prompt, ...shown.responses.map(({ ids }) => ids)].map((ids) =>
      padsIn(ids, this.settings.fit.tokens),
    );
    const before = uses.slice(0, chosen + 1).reduce((sum, count) => sum + count, 0);
    const media = [...shown.media.slice(0, uses[0]), ...shown.media.slice(before, before + uses[chosen + 1]!)];
    const responses = [{ ...shown.responses[chosen]!, role: 'contrast' as const }];
    return completeRow({ ...row, index }, { prompt: shown.prompt, responses, media }, this.settings, this.#where(row));
  }

  /** The row with another one's media, made smaller where they would not fit; null where no other has as many. */
  async #withOtherMedia(row: EncodedRow, index: number): Promise<MediaRow | null> {
    const other = this.others.of(index);
    if (other === null) return null;
    const [{ media }] = (await this.base.rows([this.kept[other]!])) as [EncodedRow];
    const planned = await planRow(
      { ...collapsed(row, this.settings.fit.tokens), media },
      this.settings,
      this.headers,
      this.#where(row),
    );
    if (planned instanceof LlmfError) throw planned;
    return fitRow(planned, { ...this.settings.fit, policy: 'shrink', media: this.settings.media }).row;
  }

  #where(row: EncodedRow): string {
    return placeText(this.base, row.index);
  }
}

const placeText = (rows: RowSet, index: number): string => {
  const { source, row } = rows.placeOf(index);
  return `row ${row} of ${source}`;
};

/** Ids that came expanded for media of one size, for media of another. */
function collapsed(row: EncodedRow, tokens: FitSettings['tokens']): EncodedRow {
  const plain = (ids: Int32Array, counted: Uint8Array) => collapsePads(ids, counted, tokens);
  return {
    ...row,
    prompt: plain(row.prompt, new Uint8Array(row.prompt.length)).ids,
    responses: row.responses.map(({ role, ids, counted }) => {
      const short = plain(ids, counted);
      return { role, ids: short.ids, counted: short.counted };
    }),
  };
}

const withContrast = (row: EncodedRow, contrast: EncodedRow): EncodedRow => ({
  ...row,
  media: row.media.map((media) => (isRowMedia(media) ? { ...media, contrast } : media)),
});

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

/** The row as it is trained on, or why it is not; or what is wrong with its media. */
async function prepareRow(
  row: EncodedRow,
  settings: MediaRowSettings,
  headers: HeaderIndex,
  where: string,
): Promise<Fitted | LlmfError> {
  const planned = await planRow(row, settings, headers, where);
  if (planned instanceof LlmfError) return planned;
  const fitted = fitRow(planned, { ...settings.fit, media: settings.media });
  try {
    if (settings.decodeFirst !== null) for (const plan of fitted.row?.media ?? []) await settings.decodeFirst(plan);
  } catch (error) {
    if (LlmfError.is(error)) return error;
    throw error;
  }
  return fitted;
}

/** The row with its media looked up, pads and media matched; or what is wrong with them. */
async function planRow(
  row: EncodedRow,
  settings: MediaRowSettings,
  headers: HeaderIndex,
  where: string,
): Promise<MediaRow | LlmfError> {
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
  const { maxFrames, framesPerSecond } = settings.video;
  const image = settings.media.video;
  const all = await framePaths(value, access);
  const known = await headers.look(all[0], { ...access, outsideFolder: true }, image.limits, image.exif);
  const frames = Math.min(all.length, maxFrames);
  // Sampling fewer frames stretches the time that each stands for.
  const secondsPerPatch = (image.processor.temporalPatchSize * all.length) / (framesPerSecond * frames);
  const identity = `${known.identity}/${framesIdentity(all)}`;
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
function settingsText({ media, video, fit, mrope, contrast }: MediaRowSettings): string {
  const kinds = [media.image, media.video].map(({ processor, preResize, exif }) => [processor, preResize, exif]);
  return JSON.stringify([kinds, video, fit.maxLength, fit.policy, mrope, contrast]);
}
