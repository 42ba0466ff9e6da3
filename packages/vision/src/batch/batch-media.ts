// SPDX-License-Identifier: Apache-2.0
import type { Batch } from '@llmf/training';
import { embedding, tf } from '@llmf/nn';
import type { RgbImage } from '../decode/rgb-image.js';
import { visionFaults } from '../errors.js';
import { cutPatches, type Grid } from '../processor/patches.js';
import type { ProcessorConfig } from '../processor/processor-config.js';
import type { TowerContext, VisionTower } from '../tower/vision-tower.js';

const mark = Symbol.for('llmf:batch-media');

/** A packed batch's media, loaded: each distinct one once. */
export interface BatchMedia {
  readonly [mark]: true;
  readonly media: readonly { readonly frames: readonly RgbImage[]; readonly shape: ProcessorConfig }[];
  /** [T] row of the media embeddings at each token, −1 for text. */
  readonly sources: Int32Array;
}

export const batchMedia = (facts: Omit<BatchMedia, typeof mark>): BatchMedia => ({ [mark]: true, ...facts });

/** The loaded media of a batch; undefined for a batch without any. */
export const mediaOf = (batch: Pick<Batch, 'media'>): BatchMedia | undefined =>
  batch.media.find((entry): entry is BatchMedia => typeof entry === 'object' && entry !== null && mark in entry);

/** Runs the tower once over all media of a batch: [M, C], wider where it gives more than embeddings. */
export function embedMedia({ media }: BatchMedia, tower: VisionTower, context: TowerContext): tf.Tensor2D {
  const cut = media.map(({ frames, shape }) => cutPatches(frames, shape));
  const grids: Grid[] = cut.map(({ grid }) => grid);
  const values = new Float32Array(cut.reduce((sum, patches) => sum + patches.values.length, 0));
  let start = 0;
  for (const patches of cut) {
    values.set(patches.values, start);
    start += patches.values.length;
  }
  return tf.tidy(() => {
    const patches = tf.tensor2d(values, [values.length / tower.patchValues, tower.patchValues]);
    return tower.forward(patches, grids, context);
  });
}

/**
 * Token embeddings [T, C] with those of media tokens in their places; as wide as the tower's, with zeros for text.
 * @throws LLMF_VISION_EMBEDDING_COUNT
 */
export function replaceEmbeddings(embedded: tf.Tensor2D, seen: tf.Tensor2D, sources: Int32Array): tf.Tensor2D {
  const tokens = embedded.shape[0];
  const last = sources.reduce((most, source) => Math.max(most, source), -1);
  if (last + 1 !== seen.shape[0] || sources.length !== tokens) {
    throw visionFaults.embeddingCount({ tokens: last + 1, embeddings: seen.shape[0] });
  }
  const rows = sources.map((source, token) => (source < 0 ? token : tokens + source));
  const missing = seen.shape[1] - embedded.shape[1];
  return tf.tidy(() => {
    const text: tf.Tensor2D =
      missing === 0
        ? embedded
        : tf.pad(embedded, [
            [0, 0],
            [0, missing],
          ]);
    return embedding(rows, tf.concat([text, seen]));
  });
}
