// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { LlmfError, type Run } from '@llmf/core';
import { ArchitectureToken, ModelLoaderToken, type AttachedAdapter, type Model } from '@llmf/nn';
import { z } from 'zod';
import { chosen } from '../choose.js';
import type { Reference, ReferenceContext, ReferenceStrategy } from '../contracts/reference.js';
import { keepIdentity } from '../policy/identity.js';
import { loadModel } from '../policy/load-model.js';
import { attachAdapter } from '../policy/policy.js';
import { trainingErrors } from '../training-errors.js';
import { countText, memoryText } from './memory-text.js';
import { scoreBatch } from './scorer.js';

/** A second, frozen copy of the untrained policy. */
export const copyReference: ReferenceStrategy = {
  name: 'copy',
  description: 'a second copy of the untrained model: its weights in memory once more, one more forward pass per batch',
  async prepare(context) {
    const { run, modelFolder, adapter } = context;
    const model = await loadModel(run, modelFolder);
    const attached = adapter === null || adapter.isIdentity ? null : await attachAdapter(run, model);
    return frozenReference(context, model, attached, {
      description: `a second copy of the model (${sizeText(model)}); one more forward pass per batch`,
      equalsPolicyAtStart: true,
    });
  },
};

const pathOptions = z.strictObject({
  path: z
    .string()
    .describe('Model folder (or hub id) of the reference; it must share the tokenizer.')
    .meta({ decides: 'content' }),
});

/** Another model as the reference: `reference: { path: ./sft-model }`. */
export const pathReference: ReferenceStrategy = {
  name: 'path',
  description: 'another model folder as the reference: its weights in memory, one more forward pass per batch',
  options: pathOptions,
  async check({ run }, options) {
    const folder = await locate(run, options);
    const find = (modelType: string) =>
      chosen(run.container, ArchitectureToken, modelType, join(folder, 'config.json'));
    await run.container.resolve(ModelLoaderToken).inspect(folder, find);
  },
  async prepare(context, options) {
    const { run, modelFolder, adapter } = context;
    const folder = await locate(run, options);
    const model = await loadModel(run, folder);
    await keepIdentity(run, 'reference', folder);
    return frozenReference(context, model, null, {
      description: `${folder} (${sizeText(model)}); one more forward pass per batch`,
      equalsPolicyAtStart: folder === modelFolder && (adapter === null || adapter.isIdentity),
    });
  },
};

/** @throws LLMF_TRAINING_REFERENCE_MISSING */
async function locate(run: Run, options: Record<string, unknown>): Promise<string> {
  const { path } = options as z.infer<typeof pathOptions>;
  try {
    return await run.container.resolve(ModelLoaderToken).locate(path, run.folder);
  } catch (error) {
    const reason = LlmfError.is(error) ? error.detail.what : (error as Error).message;
    throw trainingErrors.referenceMissing({ path, reason }, { cause: error });
  }
}

function frozenReference(
  context: ReferenceContext,
  model: Model,
  adapter: AttachedAdapter | null,
  facts: Pick<Reference, 'description' | 'equalsPolicyAtStart'>,
): Reference {
  return {
    ...facts,
    logProbs: async (batch) => scoreBatch(context.run, model, adapter, batch, context),
    dispose: () => {
      adapter?.dispose();
      model.dispose();
    },
  };
}

function sizeText({ parameters }: Model): string {
  const weights = [...parameters.values()].map(({ value }) => value);
  return `${countText(weights)} weights, ${memoryText(weights)}`;
}
