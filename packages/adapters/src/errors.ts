// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const errors = defineErrors('adapters', {
  noTargets: (f: { known: readonly string[] }) => ({
    what: 'ia3 does not know which layers of this model give keys, values and inner activations',
    where: 'adapter.targets and adapter.feedforward',
    expected: `names among ${f.known.join(', ')}`,
    fix: 'name them',
  }),
  bothTargets: (f: { layer: string }) => ({
    what: 'ia3 scales either the outputs or the inputs of a layer',
    where: 'adapter.targets and adapter.feedforward',
    got: `${f.layer} in both`,
    fix: 'leave it out of one of them',
  }),
  sizes: (f: { modelType: string; missing: string }) => ({
    what: `config.json of this ${f.modelType} model does not tell how many keys and values its layers have`,
    where: f.missing,
    expected: 'a number',
    fix: 'use another adapter than prefix-tuning for this model',
  }),
  combinedRanks: (f: { names: readonly string[]; layer: string; ranks: readonly number[] }) => ({
    what: 'adapters of several ranks have no linear combination',
    where: `${f.names.join(', ')}, layer ${f.layer}`,
    got: `ranks ${f.ranks.join(' and ')}`,
    expected: 'one rank',
    fix: 'combine them with cat, which is exact, or with svd',
  }),
  rank: (f: { layer: string; rank: number; limit: number }) => ({
    what: 'the adapter cannot begin with so large a part of a weight',
    where: `adapter.rank, layer ${f.layer}`,
    got: String(f.rank),
    expected: `at most ${f.limit}, the smaller side of the weight`,
    fix: 'choose a lower rank, or other targets',
  }),
  doraTarget: (f: { path: string }) => ({
    what: 'dora changes directions of linear layers, and neither embeddings nor the head',
    where: 'adapter.targets',
    got: f.path,
    expected: '`all`, or names of linear layers',
    fix: 'use `adapter: lora` for it, or name it in adapter.modulesToSave, which trains it whole',
  }),
  noTokens: (_facts: object) => ({
    what: 'trainable-tokens trains no token',
    where: 'adapter.tokens',
    expected: 'ids, or texts that are one token',
    fix: 'name some: adapter: { name: trainable-tokens, tokens: ["<|im_start|>"] }',
  }),
  noTokenizer: (_facts: object) => ({
    what: 'prompt-tuning cannot begin from a text here',
    where: 'adapter.init.text',
    expected: 'a tokenizer of the model',
    fix: 'use `init: vocabulary`',
  }),
  emptyText: (f: { text: string }) => ({
    what: 'prompt-tuning cannot begin from a text without tokens',
    where: 'adapter.init.text',
    got: JSON.stringify(f.text),
    fix: 'write some words',
  }),
});
