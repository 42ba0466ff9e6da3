// SPDX-License-Identifier: Apache-2.0
import type { ReferenceContext, ReferenceStrategy } from '../contracts/reference.js';
import { trainingErrors } from '../training-errors.js';
import { scoreBatch } from './scorer.js';

/** The policy with its adapter switched off: no second copy of any weight, one more forward pass per batch. */
export const adapterOffReference: ReferenceStrategy = {
  name: 'adapter-off',
  description: 'the base model under the adapter: no extra memory, one more forward pass per batch',
  check: async (policy) => checkSwitchable(policy),
  async prepare(context) {
    const { run, model, adapter } = context;
    checkSwitchable({ model, adapter });
    return {
      description: 'the model with its adapter off; no extra memory, one more forward pass per batch',
      equalsPolicyAtStart: adapter!.isIdentity,
      logProbs: async (batch) => scoreBatch(run, model, null, batch, context),
      dispose: () => {},
    };
  },
};

/** @throws LLMF_TRAINING_REFERENCE_NEEDS_ADAPTER */
function checkSwitchable({ model, adapter }: Pick<ReferenceContext, 'model' | 'adapter'>): void {
  const trainsBase = [...model.parameters.values()].some(({ trainable }) => trainable);
  if (adapter === null || trainsBase) throw trainingErrors.referenceNeedsAdapter({ reference: 'adapter-off' });
}
