// SPDX-License-Identifier: Apache-2.0
import type { ReferenceStrategy } from '../contracts/reference.js';
import { adapterOffReference } from './adapter-off.js';
import { cachedReference } from './cached.js';
import { copyReference } from './copy.js';

/**
 * Adapter off where that is the untrained policy; else its cached log-probs, which cost no memory while training, or a copy
 * where rows are not known beforehand.
 */
export const autoReference: ReferenceStrategy = {
  name: 'auto',
  description:
    'adapter-off with a fresh adapter on a frozen model; otherwise cached, or a copy for rows that are written while training',
  async prepare(context, options) {
    const trainsBase = [...context.model.parameters.values()].some(({ trainable }) => trainable);
    const canSwitchOff = context.adapter !== null && context.adapter.isIdentity && !trainsBase;
    const other = context.rowSets.length === 0 ? copyReference : cachedReference;
    return await (canSwitchOff ? adapterOffReference : other).prepare(context, options);
  },
};
