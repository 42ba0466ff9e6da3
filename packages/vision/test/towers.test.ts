// SPDX-License-Identifier: Apache-2.0
import { ModelParts, tf, WeightRecorder, type WeightSource } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import { windowsOf } from '../src/tower/patch-order.js';
import { Qwen25VlTower } from '../src/tower/qwen2-5-vl-tower.js';
import { Qwen2VlTower } from '../src/tower/qwen2-vl-tower.js';
import { Qwen3VlTower } from '../src/tower/qwen3-vl-tower.js';
import {
  qwen25VlVisionConfig,
  qwen2VlVisionConfig,
  qwen3VlVisionConfig,
  readVisionConfig,
} from '../src/tower/vision-config.js';
import type { VisionTower } from '../src/tower/vision-tower.js';
import {
  evaluation,
  gridOfTuple,
  patchesOf,
  tinyConfig,
  tinyNames,
  tinyOracle,
  tinyPixels,
  tinyWeights,
  type TinyName,
} from './tiny-fixture.js';

const towers = {
  qwen2_vl: (source: WeightSource) =>
    new Qwen2VlTower(
      new ModelParts(source).at('visual'),
      readVisionConfig(qwen2VlVisionConfig, tinyConfig('qwen2_vl')),
    ),
  qwen2_5_vl: (source: WeightSource) =>
    new Qwen25VlTower(
      new ModelParts(source).at('visual'),
      readVisionConfig(qwen25VlVisionConfig, tinyConfig('qwen2_5_vl')),
    ),
  qwen3_vl: (source: WeightSource) =>
    new Qwen3VlTower(
      new ModelParts(source).at('visual'),
      readVisionConfig(qwen3VlVisionConfig, tinyConfig('qwen3_vl')),
    ),
} satisfies Record<TinyName, (source: WeightSource) => VisionTower>;

describe.each(tinyNames)('the tower of %s', (name) => {
  it('asks for exactly the checkpoint’s weights, in their shapes', async () => {
    const { names, take } = await tinyWeights(name);
    const recorder = new WeightRecorder();
    towers[name](recorder);
    expect([...recorder.weights.keys()].sort()).toEqual(names.filter((key) => key.startsWith('visual.')).sort());
    for (const [key, info] of recorder.weights) expect([key, info.shape]).toEqual([key, take(key, info).shape]);
  });

  it('gives the embeddings of Transformers, all pictures in one pass, to 1e-5', async () => {
    const tower = towers[name](await tinyWeights(name));
    const { rows } = tinyOracle(name);
    const before = tf.memory().numTensors;
    const pixels = rows.map(({ images }, at) => tinyPixels(patchesOf(images), at));
    const grids = rows.flatMap(({ images }) => images.map(gridOfTuple));
    const out = tower.forward(tf.concat(pixels), grids, evaluation);
    const values = (await out.array()) as number[][];
    let start = 0;
    for (const { images, embeddings } of rows) {
      for (const [row, expected] of Object.entries(embeddings)) {
        const got = values[start + Number(row)]!; // first the embedding, then what else the tower gives
        expected.forEach((value, at) => expect(Math.abs(value - got[at]!)).toBeLessThan(1e-5));
      }
      start += patchesOf(images) / 4;
    }
    expect(start).toBe(values.length);
    tf.dispose([...pixels, out]);
    expect(tf.memory().numTensors - before).toBe(1); // the concatenated pixels, made inside the call
  });

  it('gives a picture the same embeddings whatever stands beside it', async () => {
    const tower = towers[name](await tinyWeights(name));
    const grids = [gridOfTuple([1, 4, 6]), gridOfTuple([1, 10, 12])];
    const [small, large] = [tinyPixels(24, 1), tinyPixels(120, 2)];
    const alone = await tower.forward(small, grids.slice(0, 1), evaluation).data(); // 6 tokens
    const together = await tower.forward(tf.concat([large, small]), [grids[1]!, grids[0]!], evaluation).data();
    expect(
      Math.max(...alone.map((value, at) => Math.abs(value - together[30 * (alone.length / 6) + at]!))),
    ).toBeLessThan(1e-6);
  });
});

describe('windowsOf', () => {
  it('orders tokens as Transformers does and counts the patches of each window', () => {
    const { windows } = tinyOracle('qwen2_5_vl');
    // Windows of 16 pixels: 2 × 2 tokens of 8 pixels.
    const grids = (
      [
        [1, 10, 12],
        [2, 4, 6],
        [1, 8, 8],
      ] as const
    ).map(gridOfTuple);
    const { order, inverse, lengths } = windowsOf(grids, 2, 2);
    expect([...order]).toEqual(windows.order);
    expect(lengths).toEqual(windows.lengths);
    order.forEach((token, at) => expect(inverse[token]).toBe(at));
  });
});
