// SPDX-License-Identifier: Apache-2.0
import type { ModelLoader } from '../contracts/model.js';
import type { SavedHeads } from '../contracts/head.js';
import { layerPaths } from './layer-paths.js';

/**
 * Saved heads with those of their weights that only the model's folder holds: PEFT keeps an encoder's pooler frozen in the
 * base, and out of an adapter's file.
 */
export async function completeHeads(
  saved: SavedHeads,
  folder: string,
  loader: Pick<ModelLoader, 'headWeights'>,
): Promise<SavedHeads> {
  const names = saved.heads.flatMap((head) =>
    layerPaths(head).flatMap((path) => [`${path}.weight`, ...(head.bias === true ? [`${path}.bias`] : [])]),
  );
  const missing = names.filter((name) => !(name in saved.tensors));
  if (missing.length === 0) return saved;
  return { ...saved, tensors: { ...(await loader.headWeights(folder, missing)), ...saved.tensors } };
}
