// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { PrecisionToken, StartedBackendToken, type Run } from '@llmf/core';
import { z } from 'zod';
import { AdapterToken, ArchitectureToken, ModelLoaderToken, type AttachedAdapter, type Model } from '@llmf/nn';
import type { Reference, ReferenceStrategy } from '../contracts/reference.js';
import { chosen } from '../choose.js';
import { scoreBatch } from './scorer.js';

/** A second, frozen copy of the untrained policy. */
export const copyReference: ReferenceStrategy = {
  name: 'copy',
  description: 'a second copy of the untrained model: its weights in memory once more, one more forward pass per batch',
  async prepare({ run, modelFolder, adapter, wantsPrompt }) {
    const model = await loadFrozen(run, modelFolder);
    const attached = adapter === null || adapter.isIdentity ? null : await attachAgain(run, model);
    return frozenReference(run, model, attached, wantsPrompt, {
      description: `a second copy of the model (${weightCount(model)} weights); one more forward pass per batch`,
      equalsPolicyAtStart: true,
    });
  },
};

const pathOptions = z.strictObject({
  path: z.string().describe('Model folder (or hub id) of the reference; it must share the tokenizer.'),
});

/** Another model as the reference: `reference: { path: ./sft-model }`. */
export const pathReference: ReferenceStrategy = {
  name: 'path',
  description: 'another model folder as the reference: its weights in memory, one more forward pass per batch',
  options: pathOptions,
  async prepare({ run, modelFolder, adapter, wantsPrompt }, options) {
    const { path } = options as z.infer<typeof pathOptions>;
    const loader = run.container.resolve(ModelLoaderToken);
    const folder = await loader.locate(path, run.folder);
    const model = await loadFrozen(run, folder);
    return frozenReference(run, model, null, wantsPrompt, {
      description: `${folder} (${weightCount(model)} weights); one more forward pass per batch`,
      equalsPolicyAtStart: folder === modelFolder && (adapter === null || adapter.isIdentity),
    });
  },
};

async function loadFrozen(run: Run, folder: string): Promise<Model> {
  return await run.container.resolve(ModelLoaderToken).load(folder, {
    precision: run.container.resolve(PrecisionToken),
    mapFile: run.container.resolve(StartedBackendToken).mapFile,
    isTrainable: () => false,
    find: (modelType) => chosen(run.container, ArchitectureToken, modelType, join(folder, 'config.json')),
  });
}

/** The run's adapter choice on another model: with a saved adapter, the same starting point. */
async function attachAgain(run: Run, model: Model): Promise<AttachedAdapter | null> {
  const choice = run.config.choices['adapter']![0]!;
  const key = { seed: run.config.train.seed, stream: 'adapter', step: 0, microbatch: 0 };
  return await chosen(run.container, AdapterToken, choice.name, 'adapter').attach(
    model,
    choice.options,
    key,
    run.folder,
  );
}

function frozenReference(
  run: Run,
  model: Model,
  adapter: AttachedAdapter | null,
  wantsPrompt: boolean,
  facts: Pick<Reference, 'description' | 'equalsPolicyAtStart'>,
): Reference {
  return {
    ...facts,
    logProbs: async (batch) => scoreBatch(run, model, adapter, batch, wantsPrompt),
    dispose: () => {
      adapter?.dispose();
      model.dispose();
    },
  };
}

function weightCount(model: Model): string {
  const sizes = [...model.parameters.values()].map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  return sizes.reduce((a, b) => a + b, 0).toLocaleString('en');
}
