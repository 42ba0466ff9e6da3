// SPDX-License-Identifier: Apache-2.0
import type { ReferenceStrategy } from '../contracts/reference.js';
import { adapterOffReference } from './adapter-off.js';
import { cachedReference } from './cached.js';
import { copyReference } from './copy.js';
import { hydraReference, sharesWeights } from './hydra.js';

/**
 * Adapter off where that is the untrained policy; else its cached log-probs, which cost no memory while training. For rows
 * that are not known beforehand a copy: of what is trained, where anything is frozen, else of all.
 */
export const autoReference: ReferenceStrategy = {
  name: 'auto',
  description:
    'adapter-off with a fresh adapter on a frozen model; otherwise cached, or, for rows that are written while training, hydra where weights are frozen, else copy',
  async prepare(context, options) {
    const trainsBase = [...context.model.parameters.values()].some(({ trainable }) => trainable);
    const canSwitchOff = context.adapter !== null && context.adapter.isIdentity && !trainsBase;
    const held = sharesWeights(context) ? hydraReference : copyReference;
    const other = context.rowSets.length === 0 ? held : cachedReference;
    return await (canSwitchOff ? adapterOffReference : other).prepare(context, options);
  },
};
