// SPDX-License-Identifier: Apache-2.0
import { apiVersion, type Plugin } from '@llmf/core';
import { AdapterToken } from '@llmf/nn';
import { dora } from './dora.js';
import { ia3 } from './ia3.js';
import { pTuning } from './p-tuning.js';
import { prefixTuning } from './prefix-tuning.js';
import { promptTuning } from './prompt-tuning.js';
import { olora, pissa } from './residual-lora.js';
import { trainableTokens } from './trainable-tokens.js';

export { combinations, combineLora, type Combination, type WeightedLora } from './combine.js';
export { dora, doraOptions, type DoraOptions } from './dora.js';
export { ia3, ia3Options, type Ia3Options } from './ia3.js';
export { pTuning, pTuningOptions, type PTuningOptions } from './p-tuning.js';
export { prefixTuning, prefixTuningOptions, type PrefixTuningOptions } from './prefix-tuning.js';
export { olora, oloraOptions, pissa, pissaOptions, type OloraOptions, type PissaOptions } from './residual-lora.js';
export { trainableTokens, trainableTokensOptions, type TrainableTokensOptions } from './trainable-tokens.js';
export { promptTuning, promptTuningOptions, type PromptTuningOptions } from './prompt-tuning.js';

const all = [dora, pissa, olora, ia3, prefixTuning, promptTuning, pTuning, trainableTokens];

/** Adapters beside LoRA: `adapter: dora`, `adapter: { name: prompt-tuning, tokens: 20 }`. */
export default function adapters(): Plugin {
  return {
    name: 'adapters',
    apiVersion,
    description:
      'adapters beside LoRA: dora, pissa, olora, ia3, prefix-tuning, prompt-tuning, p-tuning, trainable-tokens',
    apply(engine) {
      for (const adapter of all) engine.provide(AdapterToken, adapter);
    },
  };
}
