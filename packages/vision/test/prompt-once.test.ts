// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Batch,
  type EncodedRow,
  type RowSet,
  batchLogProbs,
  evaluationMode,
  type ForwardMode,
} from '@llmf/training';
import { collate } from '@llmf/data';
import { tf, valueAndGradients } from '@llmf/nn';
import { afterAll, describe, expect, it } from 'vitest';
import { batchMedia, embedMedia, mediaOf, replaceEmbeddings } from '../src/batch/batch-media.js';
import { placeMedia } from '../src/batch/place-media.js';
import { defaultImageLimits } from '../src/header/image-header.js';
import type { VisionLanguageModel } from '../src/models/vision-language-model.js';
import type { ImageSettings } from '../src/processor/process-image.js';
import { defaultProcessorConfig } from '../src/processor/processor-config.js';
import { HeaderIndex } from '../src/rows/header-index.js';
import { planTokens } from '../src/rows/media-plan.js';
import { MediaRows } from '../src/rows/media-rows.js';
import { PatchStore } from '../src/rows/patch-store.js';
import { isRowMedia } from '../src/rows/row-media.js';
import { tinyArchitectures, tinyConfig, tinyNames, tinyWeights, type TinyName } from './tiny-fixture.js';

const root = mkdtempSync(join(tmpdir(), 'llmf-once-'));
cpSync(fileURLToPath(new URL('../fixtures/images', import.meta.url)), root, { recursive: true });
afterAll(() => rmSync(root, { recursive: true }));

// The tiny models see patches of 4 pixels.
const processor = { ...defaultProcessorConfig, patchSize: 4, minPixels: 64, maxPixels: 40 * 64 };
const image: ImageSettings = { processor, preResize: null, exif: 'ignore', limits: defaultImageLimits };
const media = { image, video: image };
const build = async (name: TinyName) =>
  tinyArchitectures[name].build(tinyConfig(name), await tinyWeights(name)) as VisionLanguageModel;

const pair = (index: number, files: readonly string[], chosen: number[], rejected: number[]): EncodedRow => ({
  index,
  prompt: Int32Array.from([5, 6, ...files.flatMap(() => [112, 110, 113]), 7, 8]),
  responses: (
    [
      ['chosen', chosen],
      ['rejected', rejected],
    ] as const
  ).map(([role, ids]) => {
    return { ids: Int32Array.from(ids), counted: new Uint8Array(ids.length).fill(1), role };
  }),
  weight: 1,
  extras: {},
  media: files.map((value) => ({ kind: 'image', value, folder: root })),
});
const given = [
  pair(0, ['rgb-70x70.png', 'rgb-300x7.png'], [20, 21, 22, 23], [24, 25]),
  pair(1, ['rgb-70x70.png'], [30, 31], [32, 33, 34]),
  pair(2, [], [40], [41, 42]),
];

async function batchOf(model: VisionLanguageModel, promptOnce: boolean): Promise<Batch> {
  const base: RowSet = {
    length: given.length,
    rows: (indices) => Promise.resolve(indices.map((index) => given[index]!)),
    tokensOf: () => 0,
    longestOf: () => 0,
    placeOf: (index) => ({ source: 'rows.jsonl', row: index + 1 }),
    source: () => ({ columns: {}, chat: null }),
    fingerprint: '',
    dropped: [],
    close: () => Promise.resolve(),
  };
  const { tokens, shape, tokensPerSecond } = model.vision;
  const access = { outsideFolder: false, remote: null, cacheFolder: null };
  const prepared = await MediaRows.prepare(
    base,
    {
      access,
      folder: null,
      media,
      video: { framesPerSecond: 2, maxFrames: 8 },
      hasFilms: true,
      fit: { maxLength: 500, policy: 'dropRow', tokens, turns: null },
      mrope: { tokens, mergeSize: shape.mergeSize, tokensPerSecond },
      onBadMedia: 'error',
      decodeFirst: null,
      split: 'train',
      contrast: null,
    },
    await HeaderIndex.open(null),
  );
  const rows = await prepared.rows([0, 1, 2]);
  const batch = collate(rows, { promptOnce });
  const rowMedia = rows.map(({ media: [only] }) => only).filter(isRowMedia);
  const { plans, sources, positions } = placeMedia(batch, rowMedia, tokens, (plan) => planTokens(plan, media));
  const store = new PatchStore(media, { folder: null, memoryBytes: 1e7 });
  const frames = await Promise.all(plans.map((plan) => store.frames(plan, { ...access, folder: root })));
  return {
    ...batch,
    positions,
    media: [batchMedia({ media: frames.map((own) => ({ frames: own, shape: processor })), sources })],
  };
}

/** Sum of a different weight per token's log-prob, and the gradient of every weight, tower included. */
function weightedSum(model: VisionLanguageModel, batch: Batch, mode: ForwardMode) {
  const gradients = new Map<string, Float32Array>();
  const names = new Map([...model.parameters.values()].map(({ name, value }) => [value, name]));
  let towerRuns = 0;
  const hooks = {
    inputsEmbedded: {
      call: (embedded: tf.Tensor2D) => {
        towerRuns += mediaOf(batch)!.media.length;
        return replaceEmbeddings(embedded, embedMedia(mediaOf(batch)!, model.tower, mode), mediaOf(batch)!.sources);
      },
    },
  };
  const { loss, sum } = valueAndGradients(
    () => {
      const logProbs = batchLogProbs(model, batch, { stats: [], span: 'response' }, mode, hooks as never);
      const weights = tf.tensor1d(Array.from(batch.rows, (_, at) => Math.cos(at + 1)));
      return { loss: tf.sum(tf.mul(logProbs.logProb, weights)) as tf.Scalar, sum: logProbs.sum };
    },
    [...model.parameters.values()].map(({ value }) => value as never),
    (variable, gradient) => gradients.set(names.get(variable)!, gradient.dataSync().slice() as Float32Array),
  );
  return { loss: loss.arraySync(), sums: [...sum.dataSync()], gradients, towerRuns };
}

describe.each(tinyNames)('prompt-once pairs with pictures: %s', (name) => {
  it.each([false, true])(
    'equal the two-row form: loss and every gradient (checkpointing: %s)',
    async (gradientCheckpointing) => {
      const model = await build(name);
      const mode = { ...evaluationMode(null), gradientCheckpointing };
      const [once, twice] = [await batchOf(model, true), await batchOf(model, false)];
      expect(once.ids.length).toBeLessThan(twice.ids.length);
      const [a, b] = [weightedSum(model, once, mode), weightedSum(model, twice, mode)];
      expect(Math.abs(a.loss - b.loss)).toBeLessThan(1e-5);
      a.sums.forEach((sum, at) => expect(Math.abs(sum - b.sums[at]!)).toBeLessThan(1e-5));
      expect([...a.gradients.keys()].sort()).toEqual([...model.parameters.keys()].sort());
      for (const [key, values] of a.gradients) {
        const other = b.gradients.get(key)!;
        const apart = Math.max(...values.map((value, at) => Math.abs(value - other[at]!)));
        expect([key, apart < 1e-5]).toEqual([key, true]); // the largest gradient is about 3
      }
      // Three pictures are shown, two of them the same: the tower sees two.
      expect([a.towerRuns, b.towerRuns]).toEqual([2, 2]);
    },
  );
});
