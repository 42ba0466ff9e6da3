// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import { ModelLoaderToken, type AttachedAdapter, type Model } from '@llmf/nn';
import { z } from 'zod';
import type { Reference, ReferenceStrategy } from '../contracts/reference.js';
import { loadModel } from '../policy/load-model.js';
import { attachAdapter } from '../policy/policy.js';
import { scoreBatch } from './scorer.js';

/** A second, frozen copy of the untrained policy. */
export const copyReference: ReferenceStrategy = {
  name: 'copy',
  description: 'a second copy of the untrained model: its weights in memory once more, one more forward pass per batch',
  async prepare({ run, modelFolder, adapter, wantsPrompt }) {
    const model = await loadModel(run, modelFolder);
    const attached = adapter === null || adapter.isIdentity ? null : await attachAdapter(run, model);
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
    const model = await loadModel(run, folder);
    return frozenReference(run, model, null, wantsPrompt, {
      description: `${folder} (${weightCount(model)} weights); one more forward pass per batch`,
      equalsPolicyAtStart: folder === modelFolder && (adapter === null || adapter.isIdentity),
    });
  },
};

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
