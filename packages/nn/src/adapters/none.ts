// SPDX-License-Identifier: Apache-2.0
import type { Adapter } from '../contracts/index.js';

/** No adapter: every weight of the model is trained. */
export const none: Adapter = {
  name: 'none',
  description: 'train every weight of the base model',
  trainsBase: () => true,
  attach: () => Promise.resolve(null),
};
