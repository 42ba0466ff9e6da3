// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LlmfError, throwIfStopped } from '@llmf/core';
import type { DroppedRow, EncodedRow, RowPlace, RowSet, RowSource } from '@llmf/training';
import { visionErrors } from '../errors.js';
import { completeRow } from './complete-row.js';
import { croppedMedia } from './contrast-media.js';
import { fitRow, padsIn, rowLength, type Fitted, type MediaRow } from './fit-row.js';
import type { HeaderIndex } from './header-index.js';
import { planTokens, wholePlan, type MediaPlan } from './media-plan.js';
import { settingsText, type MediaRowSettings } from './media-row-settings.js';
import { OtherMedia } from './other-media.js';
import { collapseRow, planRow } from './plan-row.js';
import { isRowMedia } from './row-media.js';

const chunkRows = 256;

/** What looking at a row found out, kept for whenever it is read. */
interface KeptRow {
  /** Its number among the rows below. */
  readonly base: number;
  readonly media: readonly MediaPlan[];
  /** The prompt with one pad per medium, where fitting changed it; null: as it is. */
  readonly prompt: Int32Array | null;
  /** Tokens of each answer that fitting left, with one pad per medium. */
  readonly answers: readonly number[];
  /** Prompt and all answers, media in full. */
  readonly tokens: number;
  /** Prompt with its longest answer. */
  readonly longest: number;
}

interface Prepared {
  readonly base: RowSet;
  readonly settings: MediaRowSettings;
  readonly kept: readonly KeptRow[];
  readonly others: OtherMedia;
  readonly fingerprint: string;
  readonly dropped: readonly DroppedRow[];
}

/**
 * A split with its media counted in: rows come out with pads expanded, positions set and media planned, all from file
 * headers, each looked at once. Rows that do not fit or whose media are bad are changed or dropped, and reported.
 */
export class MediaRows implements RowSet {
  readonly fingerprint: string;
  readonly dropped: readonly DroppedRow[];
  private readonly base: RowSet;
  private readonly settings: MediaRowSettings;
  private readonly kept: readonly KeptRow[];
  private readonly others: OtherMedia;

  private constructor({ base, settings, kept, others, fingerprint, dropped }: Prepared) {
    this.base = base;
    this.settings = settings;
    this.kept = kept;
    this.others = others;
    this.fingerprint = fingerprint;
    this.dropped = dropped;
  }

  /** Looks at every row once. @throws the coded error of the first bad medium where `onBadMedia` is `error` */
  static async prepare(base: RowSet, settings: MediaRowSettings, headers: HeaderIndex): Promise<MediaRows> {
    const kept: KeptRow[] = [];
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
        kept.push(keptRow(row, fitted.row, fitted.action !== null, settings));
        others.add(fitted.row.media);
      }
    }
    await headers.save();
    if (kept.length === 0)
      throw visionErrors.noRowsLeft({ split: settings.split, reason: dropped.at(-1)?.reason ?? 'the split is empty' });
    return new MediaRows({ base, settings, kept, others, fingerprint: hash.digest('hex'), dropped });
  }

  get length(): number {
    return this.kept.length;
  }

  async rows(indices: readonly number[]): Promise<EncodedRow[]> {
    const given = await this.base.rows(indices.map((index) => this.kept[index]!.base));
    return given.map((row, at) => this.complete(row, indices[at]!));
  }

  /** The rows as they would be with another row's media in their place; those for which there is none are left out. */
  async rowsWithOtherMedia(indices: readonly number[]): Promise<EncodedRow[]> {
    const given = await this.base.rows(indices.map((index) => this.kept[index]!.base));
    return given.flatMap((row, at) => {
      const index = indices[at]!;
      const shown = this.withOtherMedia(this.fitted(row, index), index);
      return shown === null ? [] : [completeRow({ ...row, index }, shown, this.settings, this.where(row))];
    });
  }

  tokensOf(index: number): number {
    return this.kept[index]!.tokens;
  }

  longestOf(index: number): number {
    return this.kept[index]!.longest;
  }

  placeOf(index: number): RowPlace {
    return this.base.placeOf(this.kept[index]!.base);
  }

  source(index: number): RowSource {
    return this.base.source(this.kept[index]!.base);
  }

  close(): Promise<void> {
    return this.base.close();
  }

  private complete(row: EncodedRow, index: number): EncodedRow {
    const fitted = this.fitted(row, index);
    const complete = completeRow({ ...row, index }, fitted, this.settings, this.where(row));
    const contrast = this.contrast(row, index, fitted);
    return contrast === null ? complete : withContrast(complete, contrast);
  }

  /** The row as it was found to fit. */
  private fitted(row: EncodedRow, index: number): MediaRow {
    const { media, prompt, answers } = this.kept[index]!;
    const whole = collapseRow(row, this.settings.fit.tokens);
    const responses = whole.responses.map(({ role, ids, counted }, at) => ({
      role,
      ids: ids.slice(0, answers[at]),
      counted: counted.slice(0, answers[at]),
    }));
    return { prompt: prompt ?? whole.prompt, responses, media };
  }

  private contrast(row: EncodedRow, index: number, fitted: MediaRow): EncodedRow | null {
    const { contrast } = this.settings;
    if (contrast === null) return null;
    const shown =
      contrast.kind === 'crop'
        ? { ...fitted, media: croppedMedia(fitted.media, index, contrast.seed) }
        : this.withOtherMedia(fitted, index);
    if (shown === null) throw visionErrors.noOtherMedia({ where: this.where(row) });
    const chosen = shown.responses.findIndex(({ role }) => role === 'chosen');
    const uses = [shown.prompt, ...shown.responses.map(({ ids }) => ids)].map((ids) =>
      padsIn(ids, this.settings.fit.tokens),
    );
    const before = uses.slice(0, chosen + 1).reduce((sum, count) => sum + count, 0);
    const media = [...shown.media.slice(0, uses[0]), ...shown.media.slice(before, before + uses[chosen + 1]!)];
    const responses = [{ ...shown.responses[chosen]!, role: 'contrast' as const }];
    return completeRow({ ...row, index }, { prompt: shown.prompt, responses, media }, this.settings, this.where(row));
  }

  /** The row with another one's media, made smaller where they would not fit; null where no other has as many. */
  private withOtherMedia(fitted: MediaRow, index: number): MediaRow | null {
    const other = this.others.of(index);
    if (other === null) return null;
    const media = this.kept[other]!.media.map((plan) => wholePlan(plan, this.settings.media));
    const fit = { ...this.settings.fit, policy: 'shrink' as const, media: this.settings.media };
    return fitRow({ ...fitted, media }, fit).row;
  }

  private where(row: EncodedRow): string {
    return placeText(this.base, row.index);
  }
}

const placeText = (rows: RowSet, index: number): string => {
  const { source, row } = rows.placeOf(index);
  return `row ${row} of ${source}`;
};

const withContrast = (row: EncodedRow, contrast: EncodedRow): EncodedRow => ({
  ...row,
  media: row.media.map((media) => (isRowMedia(media) ? { ...media, contrast } : media)),
});

function keptRow({ index }: EncodedRow, row: MediaRow, isChanged: boolean, settings: MediaRowSettings): KeptRow {
  return {
    base: index,
    media: row.media,
    prompt: isChanged && settings.fit.policy === 'dropTurns' ? row.prompt : null,
    answers: row.responses.map(({ ids }) => ids.length),
    tokens: storedTokens(row, settings),
    longest: rowLength(row, { ...settings.fit, media: settings.media }),
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

/** Prompt and all answers, media in full. */
function storedTokens({ prompt, responses, media }: MediaRow, { media: kinds }: MediaRowSettings): number {
  const ids = responses.reduce((sum, response) => sum + response.ids.length, prompt.length);
  return media.reduce((sum, medium) => sum + planTokens(medium, kinds) - 1, ids);
}

const oneLine = (error: LlmfError) => error.message.replaceAll(/\n\s*/g, '; ');
