// SPDX-License-Identifier: Apache-2.0
/**
 * A reference that shares what is frozen with the policy: trlX's Hydra (Havrilla et al., "trlX: A framework for large scale
 * reinforcement learning from human feedback", EMNLP 2023, section 3), where the bottom layers are frozen and the top ones
 * are held twice. Here any weights may be trained, and an adapter that goes on from a saved one is the second head. The
 * weights are those of a full copy, and so are its log-probs, to the bit.
 */
import type { AttachedAdapter, Model, Parameter } from '@llmf/nn';
import type { ReferenceContext, ReferenceStrategy } from '../contracts/reference.js';
import { loadModel } from '../policy/load-model.js';
import { attachAdapter } from '../policy/policy.js';
import { trainingErrors } from '../training-errors.js';
import { countText, memoryText } from './memory-text.js';
import { scoreBatch } from './scorer.js';

export const hydraReference: ReferenceStrategy = {
  name: 'hydra',
  description:
    'a frozen copy of what is trained, on the policy’s own frozen weights: only that copy in memory, one more forward pass per batch',
  check: async (policy) => checkShares(policy),
  async prepare(context) {
    checkShares(context);
    const { run, adapter } = context;
    const { model, own } = await partlyCopied(context);
    const attached = adapter === null || adapter.isIdentity ? null : await attachAdapter(run, model);
    return {
      description: describe(model, own, attached),
      equalsPolicyAtStart: true,
      logProbs: async (batch) => scoreBatch(run, model, attached, batch, context),
      dispose: () => {
        attached?.dispose();
        for (const { value } of own) value.dispose();
      },
    };
  },
};

/** Does a policy keep anything frozen that a reference could share? */
export const sharesWeights = ({ model }: Pick<ReferenceContext, 'model'>): boolean =>
  [...model.parameters.values()].some(({ trainable }) => !trainable);

/** @throws LLMF_TRAINING_REFERENCE_NEEDS_FROZEN */
function checkShares(policy: Pick<ReferenceContext, 'model'>): void {
  if (!sharesWeights(policy)) throw trainingErrors.referenceNeedsFrozen({});
}

/** The policy's model with its trained weights as they were, frozen; the policy's own where none is trained. */
async function partlyCopied({
  run,
  model,
  modelFolder,
}: ReferenceContext): Promise<{ model: Model; own: Parameter[] }> {
  const shared = new Map([...model.parameters].filter(([, { trainable }]) => !trainable));
  if (shared.size === model.parameters.size) return { model, own: [] };
  const copy = await loadModel(run, modelFolder, { shared });
  return { model: copy, own: [...copy.parameters.values()].filter(({ name }) => !shared.has(name)) };
}

function describe({ parameters }: Model, own: readonly Parameter[], adapter: AttachedAdapter | null): string {
  const copied = [...own.map(({ value }) => value), ...(adapter?.variables.values() ?? [])];
  const all = [...parameters.values()].map(({ value }) => value);
  return `a frozen copy of what is trained (${countText(copied)} of ${countText(all)} weights, ${memoryText(copied)}) on the policy's own frozen weights; one more forward pass per batch`;
}
