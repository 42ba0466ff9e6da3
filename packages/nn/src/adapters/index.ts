// SPDX-License-Identifier: Apache-2.0
import type { Adapter } from '../contracts/index.js';
import { freeze } from './freeze.js';
import { lora } from './lora.js';
import { none } from './none.js';

export { readAdapterFolder, type AdapterFolder, type LayerTensors } from './adapter-folder.js';
export type { PeftForm, Refusal } from './peft-form.js';
export { adapterKindOf } from './adapter-kind.js';
export { freshLora, loraOptions, trainableTokensOption, type LoraOptions } from './lora.js';
export { LoraAdapter, type LayerPair, type LoraFacts } from './lora-adapter.js';
export { loraForm, type LoraConfig } from './lora-form.js';
export { freshOwn, targetTables } from './own/fresh-own.js';
export { isOwn, readOwn } from './own/read-own.js';
export { OwnModules } from './own/own-modules.js';
export { peftHeadKey } from './peft-names.js';
export { savedFacts, savedLora, savedModules, savedPair, savedPairs } from './saved-lora.js';
export { targetModules } from './target-modules.js';
export { inLayers, selectTargets, type Targets } from './targets.js';
export { freezeOptions, type FreezeOptions } from './freeze.js';
export { freeze, lora, none };

/** Every built-in choice of `adapter:`. */
export const adapters: readonly Adapter[] = [lora, freeze, none];
