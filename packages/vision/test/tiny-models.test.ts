// SPDX-License-Identifier: Apache-2.0
import { generate, selectedLogProbs, tf, valueAndGradients, type ForwardContext } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import { replaceEmbeddings } from '../src/batch/batch-media.js';
import { VisionLanguageModel } from '../src/models/vision-language-model.js';
import { mropePositions, type MropeOptions, type MropePositions } from '../src/tokens/mrope-positions.js';
import {
  evaluation,
  gridOfTuple,
  mediaOfRow,
  patchesOf,
  tinyArchitectures as architectures,
  tinyConfig,
  tinyNames,
  tinyOracle,
  tinyPixels,
  tinyWeights,
  type TinyName,
  type TinyOracle,
  type TinyRow,
} from './tiny-fixture.js';

const build = async (name: TinyName): Promise<VisionLanguageModel> =>
  architectures[name].build(tinyConfig(name), await tinyWeights(name)) as VisionLanguageModel;

/** Both sequences of the oracle as one packed row without padding. */
interface Packed {
  readonly ids: Int32Array;
  readonly context: Pick<ForwardContext, 'segments' | 'positions'>;
  readonly starts: readonly number[];
  /** [T] row of the media embeddings at each token. */
  readonly sources: Int32Array;
}

const options = ({ vision }: VisionLanguageModel): MropeOptions => ({
  tokens: vision.tokens,
  mergeSize: vision.shape.mergeSize,
  tokensPerSecond: vision.tokensPerSecond,
  continuation: 'spatial', // as the oracle's Transformers; the videos here are longer than wide
});

function pack(model: VisionLanguageModel, { rows, secondsPerPatch }: TinyOracle): Packed {
  const starts = rows.map((_, at) => rows.slice(0, at).reduce((sum, { ids }) => sum + ids.length, 0));
  const parts = rows.map(
    (row) => mropePositions(Int32Array.from(row.ids), mediaOfRow(row, secondsPerPatch), options(model)).positions,
  );
  const positions = [0, 1, 2].map((axis) => Int32Array.from(parts.flatMap((part) => [...part[axis]!])));
  const ids = Int32Array.from(rows.flatMap((row) => row.ids));
  const { image, video } = model.vision.tokens;
  let next = 0;
  return {
    ids,
    context: {
      segments: rows.map((row, at) => ({ start: starts[at]!, length: row.ids.length })),
      positions: positions as unknown as MropePositions,
    },
    starts,
    sources: ids.map((id) => (id === image || id === video ? next++ : -1)),
  };
}

/** Pixels of all media in the order of their tokens: each row's pictures, then its videos. */
const pixelsOf = (rows: readonly TinyRow[]): tf.Tensor2D =>
  tf.concat(
    rows.flatMap((row, at) => [
      tinyPixels(patchesOf(row.images), at),
      ...(row.videos.length > 0 ? [tinyPixels(patchesOf(row.videos), 10 + at)] : []),
    ]),
  );
const gridsOf = (rows: readonly TinyRow[]) =>
  rows.flatMap(({ images, videos }) => [...images, ...videos].map(gridOfTuple));

function hiddenStates(
  model: VisionLanguageModel,
  packed: Packed,
  rows: readonly TinyRow[],
  checkpointing = false,
): tf.Tensor2D {
  const mode = { ...evaluation, gradientCheckpointing: checkpointing };
  const seen = model.tower.forward(pixelsOf(rows), gridsOf(rows), mode);
  const embedded = replaceEmbeddings(model.embed(tf.tensor1d(packed.ids, 'int32')), seen, packed.sources);
  return model.forward(embedded, { ...packed.context, ...mode });
}

const largest = (values: Iterable<number>) => Math.max(...[...values].map(Math.abs));

describe.each(tinyNames)('%s against Transformers', (name) => {
  const oracle = tinyOracle(name);

  it('asks for exactly the weights of the checkpoint', async () => {
    const { names } = await tinyWeights(name);
    expect([...architectures[name].weights(tinyConfig(name)).keys()].sort()).toEqual([...names].sort());
    const model = await build(name);
    expect([...model.parameters.keys()].sort()).toEqual([...names].sort());
    expect(model.modelType).toBe(name);
  });

  it.skipIf(name === 'qwen3_vl')('reads the nested config that newer versions write', async () => {
    const {
      vision_config,
      model_type,
      image_token_id,
      video_token_id,
      vision_start_token_id,
      vision_end_token_id,
      ...text
    } = tinyConfig(name);
    const ids = { image_token_id, video_token_id, vision_start_token_id, vision_end_token_id };
    const nested = { model_type, vision_config, ...ids, text_config: { ...text, model_type: `${name}_text` } };
    expect([...architectures[name].weights(nested)]).toEqual([...architectures[name].weights(tinyConfig(name))]);
  });

  it('computes the positions of every row', async () => {
    const model = await build(name);
    for (const row of oracle.rows) {
      const { positions } = mropePositions(
        Int32Array.from(row.ids),
        mediaOfRow(row, oracle.secondsPerPatch),
        options(model),
      );
      expect(positions.map((axis) => [...axis])).toEqual(row.positions);
    }
  });

  it('gives its logits to 1e-4, pictures of several sizes and a video in one packed row', async () => {
    const model = await build(name);
    const packed = pack(model, oracle);
    const hidden = hiddenStates(model, packed, oracle.rows);
    const logits = (await tf.matMul(hidden, model.head.weight, false, true).array()) as number[][];
    oracle.rows.forEach(({ logits: expected }, at) => {
      expect(Object.keys(expected).length).toBe(3);
      for (const [row, values] of Object.entries(expected)) {
        const got = logits[packed.starts[at]! + Number(row)]!;
        expect(largest(values.map((value, token) => value - got[token]!))).toBeLessThan(1e-4);
      }
    });
  });

  it.each([false, true])(
    'gives its loss and every gradient to 1e-3 (gradient checkpointing: %s)',
    async (checkpointing) => {
      const model = await build(name);
      const packed = pack(model, oracle);
      // The last six tokens of each row are learned.
      const targets = oracle.rows.flatMap(({ ids }, at) =>
        [6, 5, 4, 3, 2, 1].map((back) => packed.starts[at]! + ids.length - back),
      );
      const gradients = new Map<string, tf.Tensor>();
      const names = new Map([...model.parameters.values()].map(({ name: key, value }) => [value, key]));
      const { loss } = valueAndGradients(
        () => {
          const hidden = hiddenStates(model, packed, oracle.rows, checkpointing);
          const rows = Int32Array.from(targets, (at) => at - 1);
          const { logProb } = selectedLogProbs(
            hidden,
            model.head.weight,
            rows,
            Int32Array.from(targets, (at) => packed.ids[at]!),
            {},
          );
          return { loss: tf.neg(tf.sum(logProb)) as tf.Scalar };
        },
        [...model.parameters.values()].map(({ value }) => value as never),
        (variable, gradient) => gradients.set(names.get(variable)!, gradient),
      );
      expect(Math.abs(loss.arraySync() - oracle.loss)).toBeLessThan(1e-3);
      expect([...gradients.keys()].sort()).toEqual(Object.keys(oracle.gradients).sort());
      for (const [key, { norm, picks }] of Object.entries(oracle.gradients)) {
        const gradient = gradients.get(key)!;
        const values = gradient.dataSync();
        expect([key, Math.abs(tf.norm(gradient).arraySync() as number) / norm]).toEqual([key, expect.closeTo(1, 3)]);
        for (const [place, value] of picks)
          expect([key, Math.abs(values[place]! - value) < 1e-3 * Math.max(1, norm)]).toEqual([key, true]);
      }
    },
  );

  it('continues greedily with the same tokens, by the key-value cache of `generate`', async () => {
    const model = await build(name);
    const row = oracle.rows[0]!;
    const ids = Int32Array.from(row.ids);
    const { positions } = mropePositions(ids, mediaOfRow(row, oracle.secondsPerPatch), options(model));
    let next = 0;
    const sources = ids.map((id) => (id === model.vision.tokens.image ? next++ : -1));
    const seen = model.tower.forward(tinyPixels(patchesOf(row.images), 0), row.images.map(gridOfTuple), evaluation);
    const generated = await generate(model, ids, {
      temperature: 0,
      maxNewTokens: oracle.greedy.length,
      positions,
      embedded: (embeddings) => replaceEmbeddings(embeddings, seen, sources),
    });
    expect(generated.ids).toEqual(oracle.greedy);
  });
});
