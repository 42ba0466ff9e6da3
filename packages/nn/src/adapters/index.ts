// SPDX-License-Identifier: Apache-2.0
import type { Adapter } from '../contracts/index.js';
import { freeze } from './freeze.js';
import { lora } from './lora.js';
import { none } from './none.js';

export { adapterFor, adapterOf, changesLayer } from './adapter-of.js';
export { adapterKindOf } from './adapter-kind.js';
export { freshLora, loraOptions, type LoraOptions } from './lora.js';
export { LoraAdapter } from './lora-adapter.js';
export { peftHeadKey } from './peft-names.js';
export { savedLora } from './saved-lora.js';
export { freezeOptions, type FreezeOptions } from './freeze.js';
export { freeze, lora, none };

/** Every built-in choice of `adapter:`. */
export const adapters: readonly Adapter[] = [lora, freeze, none];
