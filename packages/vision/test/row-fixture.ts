// SPDX-License-Identifier: Apache-2.0
import type { EncodedRow, RowSet } from '@llmf/training';
import { defaultImageLimits } from '../src/header/image-header.js';
import type { ImageSettings } from '../src/processor/process-image.js';
import { defaultProcessorConfig } from '../src/processor/processor-config.js';
import { HeaderIndex } from '../src/rows/header-index.js';
import type { MediaRowSettings } from '../src/rows/media-row-settings.js';
import { MediaRows } from '../src/rows/media-rows.js';
import { isRowMedia, type RowMedia } from '../src/rows/row-media.js';

export const tokens = { visionStart: 90, visionEnd: 91, image: 92, video: 93 };
export const image: ImageSettings = {
  processor: defaultProcessorConfig,
  preResize: null,
  exif: 'ignore',
  limits: defaultImageLimits,
};
export const media = { image, video: image };
export const rowSettings = (changes: Partial<MediaRowSettings> = {}): MediaRowSettings => ({
  access: { outsideFolder: false, remote: null, cacheFolder: null },
  folder: null,
  media,
  video: { framesPerSecond: 2, maxFrames: 3 },
  hasFilms: true,
  fit: { maxLength: 1000, policy: 'dropRow', tokens, turns: null },
  mrope: { tokens, mergeSize: 2, tokensPerSecond: null },
  onBadMedia: 'drop',
  decodeFirst: null,
  split: 'train',
  contrast: null,
  ...changes,
});

export const rowSet = (rows: readonly EncodedRow[]): RowSet => ({
  length: rows.length,
  rows: (indices) => Promise.resolve(indices.map((index) => rows[index]!)),
  tokensOf: (index) => rows[index]!.prompt.length,
  longestOf: (index) => rows[index]!.prompt.length,
  placeOf: (index) => ({ source: 'rows.jsonl', row: index + 1 }),
  source: () => ({ columns: {}, chat: null }),
  fingerprint: 'base',
  dropped: [],
  close: () => Promise.resolve(),
});

export const prepare = async (rows: readonly EncodedRow[], changes: Partial<MediaRowSettings> = {}) =>
  MediaRows.prepare(rowSet(rows), rowSettings(changes), await HeaderIndex.open(null));

export const mediaOf = ({ media: [only] }: EncodedRow): RowMedia => {
  if (!isRowMedia(only)) throw new Error('no media');
  return only;
};

/** Pairs whose media lie in `folder`. */
export function rowsIn(folder: string) {
  const given = (value: unknown, kind = 'image') => ({ kind, value, folder });
  const pads = (count: number) => Array.from({ length: count }, () => [90, 92, 91]).flat();
  const pair = (
    index: number,
    values: readonly unknown[],
    prompt = [1, ...pads(values.length), 2],
    kind = 'image',
  ): EncodedRow => ({
    index,
    prompt: Int32Array.from(prompt),
    responses: [
      { ids: Int32Array.from([10, 11, 12]), counted: Uint8Array.from([1, 1, 1]), role: 'chosen' },
      { ids: Int32Array.from([13, 14]), counted: Uint8Array.from([1, 1]), role: 'rejected' },
    ],
    weight: 1,
    extras: {},
    media: values.map((value) => given(value, kind)),
  });
  return { given, pair };
}
