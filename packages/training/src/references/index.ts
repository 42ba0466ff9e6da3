// SPDX-License-Identifier: Apache-2.0
import { adapterOffReference } from './adapter-off.js';
import { autoReference } from './auto.js';
import { cachedReference } from './cached.js';
import { copyReference, pathReference } from './copy.js';
import { hydraReference } from './hydra.js';

/** Every built-in choice of `reference:`. */
export const references = [
  autoReference,
  adapterOffReference,
  cachedReference,
  hydraReference,
  copyReference,
  pathReference,
] as const;
