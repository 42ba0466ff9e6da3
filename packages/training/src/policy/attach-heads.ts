// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import {
  AttachedHead,
  completeHeads,
  familyHead,
  layerPaths,
  ModelLoaderToken,
  type AttachedAdapter,
  type Head,
  type Model,
  type SavedHeads,
} from '@llmf/nn';
import { trainingErrors } from '../training-errors.js';

interface HeadBase {
  readonly model: Model;
  readonly folder: string;
  readonly adapter: AttachedAdapter | null;
}

/**
 * The heads that the losses need: those of the adapter's or the model's folder where it holds one of the name, else new
 * ones. Says which.
 * @throws LLMF_NN_HEAD_WEIGHT where a saved one has another form, LLMF_TRAINING_HEAD_UNUSED
 */
export async function attachHeads(
  run: Run,
  { model, folder, adapter }: HeadBase,
  wanted: readonly Head[],
): Promise<Map<string, AttachedHead>> {
  const loader = run.container.resolve(ModelLoaderToken);
  const heads = wanted.map((head) => familyHead(head, model.hiddenSize, model.classifierHead));
  const found = adapter?.heads ?? (await loader.heads(folder));
  const saved = found && (await completeHeads(found, folder, loader));
  const given = await loader.headWeights(folder, heads.flatMap(weightNames));
  checkUsed(run, saved, heads);
  const key = { seed: run.config.train.seed, stream: 'head', step: 0, microbatch: 0 };
  return new Map(
    heads.map((head) => {
      const own = saved?.heads.find(({ name }) => name === head.name);
      run.logger.info(`head ${head.name}: ${own === undefined ? 'new' : `continued from ${saved!.folder}`}`);
      const { hiddenSize } = model;
      if (own === undefined) return [head.name, AttachedHead.create(head, hiddenSize, key, given)];
      const asSaved = own.bias === true ? { ...head, bias: true } : head;
      return [head.name, AttachedHead.load(asSaved, hiddenSize, saved!)];
    }),
  );
}

/** Of a head whose layers a family's files may hold already. */
const weightNames = (head: Head): string[] =>
  head.paths === undefined ? [] : layerPaths(head).flatMap((path) => [`${path}.weight`, `${path}.bias`]);

/** A classifier is no language model; heads beside one may be left, which is said. @throws LLMF_TRAINING_HEAD_UNUSED */
function checkUsed(run: Run, saved: SavedHeads | null, heads: readonly Head[]): void {
  const unused = (saved?.heads ?? []).filter(({ name }) => heads.every((head) => head.name !== name));
  for (const { name, replacesLanguageModel } of unused) {
    const folder = saved!.folder;
    if (replacesLanguageModel === true) throw trainingErrors.headUnused({ head: name, folder });
    run.logger.warn(`head ${name} of ${folder} is not used by this stage, and not saved with what it trains`);
  }
}
