// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

/** What a checkpoint's config.json may get wrong, or ask for that an architecture does not compute. */
export const architectureErrors = defineErrors('nn', {
  configValue: (f: { modelType: string; key: string; got: string; expected: string }) => ({
    what: `config.json of a ${f.modelType} model has a wrong value`,
    where: f.key,
    got: f.got,
    expected: f.expected,
    fix: 'use the config.json that the checkpoint came with',
  }),
  unsupported: (f: { modelType: string; key: string; got: string; expected: string }) => ({
    what: `this ${f.modelType} model uses something that llmf does not compute yet`,
    where: `config.json, ${f.key}`,
    got: f.got,
    expected: f.expected,
    fix: 'choose another checkpoint; ignoring this key would change every result',
  }),
  manyPositions: (f: { modelType: string }) => ({
    what: `a ${f.modelType} model has one position per token`,
    got: 'three (multimodal) positions per token',
    fix: 'use a model with multimodal rotary positions for pictures',
  }),
  noSource: (f: { modelType: string; segment: number }) => ({
    what: `a ${f.modelType} model reads a prompt through its encoder before it writes, and there is none`,
    where: `segment ${f.segment} of the packed row`,
    got: 'no source',
    expected: 'the segment of its prompt, as `source`',
    fix: 'give rows with a prompt and an answer; running text alone teaches no encoder–decoder',
  }),
  rowsBefore: (f: { modelType: string }) => ({
    what: `this kind of adapter puts tokens or keys before a sequence, which a ${f.modelType} model does not take here`,
    got: 'prefix tuning, prompt tuning or P-tuning on an encoder–decoder',
    expected: 'an adapter of layers, such as lora, dora or ia3',
    fix: 'set adapter: lora',
  }),
  modulesPerRow: (_facts: object) => ({
    what: 'rows of one pass have adapters with modules of their own between embeddings and head, which rows cannot share',
    got: 'adapters with other modules_to_save in one batch',
    expected: 'one such adapter a batch; embeddings, trained tokens and heads of their own may differ from row to row',
    fix: 'ask them one after the other',
  }),
  ropeLengths: (f: { one: number; other: number; context: number }) => ({
    what: 'the rotary positions of this model depend on the length of a sequence, and one prompt would need two of them',
    got: `sequences of ${f.one} and of ${f.other} tokens`,
    expected: `both up to ${f.context} tokens, or both above and alike`,
    fix: 'shorten the rows (data.maxLength) or the answers (maxNewTokens), so that all stay on one side',
  }),
});
