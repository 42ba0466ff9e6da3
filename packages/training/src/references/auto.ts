// SPDX-License-Identifier: Apache-2.0
import type { ReferenceStrategy } from '../contracts/reference.js';
import { adapterOffReference } from './adapter-off.js';
import { cachedReference } from './cached.js';

/** Adapter off where that is the untrained policy; else its cached log-probs, which cost no memory while training. */
export const autoReference: ReferenceStrategy = {
  name: 'auto',
  description: 'adapter-off with a fresh adapter on a frozen model, cached otherwise',
  async prepare(context, options) {
    const trainsBase = [...context.model.parameters.values()].some(({ trainable }) => trainable);
    const canSwitchOff = context.adapter !== null && context.adapter.isIdentity && !trainsBase;
    return await (canSwitchOff ? adapterOffReference : cachedReference).prepare(context, options);
  },
};
