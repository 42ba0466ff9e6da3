// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const errors = defineErrors('stages', {
  oneRow: (f: { rows: number }) => ({
    what: 'a text is compared with those of other rows, and its batch has none',
    where: 'stage contrastive',
    got: `train.batchSize: ${f.rows}`,
    expected: 'at least two rows',
    fix: 'raise train.batchSize: the more rows, the more there is to tell apart',
  }),
  noTokenizer: (_facts: object) => ({
    what: 'a text is to be rewritten with tokens of its own, and there is no tokenizer',
    where: 'stage contextual',
    expected: 'a tokenizer.json in the model’s folder, or data.tokenizer',
    fix: 'give the folder of the tokenizer',
  }),
  noToken: (f: { token: string; option: string }) => ({
    what: 'the tokenizer has no such token',
    where: f.option,
    got: f.token,
    expected: 'an added token of tokenizer.json',
    fix: `name tokens that the tokenizer has in ${f.option}, or add them to it and to the model`,
  }),
  tasks: (f: { tasks: readonly string[] }) => ({
    what: 'several tasks are learned together, and the config names fewer than two',
    where: 'stage.tasks',
    got: f.tasks.length === 0 ? 'none' : f.tasks.join(', '),
    expected: 'at least two, each with a stage',
    fix: 'choose the stage of the one task by itself, or name another',
  }),
  taskStage: (f: { task: string; stage: string }) => ({
    what: 'a task is of a stage that does not minimise losses over rows',
    where: `stage.tasks.${f.task}.stage`,
    got: f.stage,
    expected: 'pretrain, sft, preference, masked, classification, or another of this kind',
    fix: 'train the stages one after the other: see pipelines',
  }),
  taskOption: (f: { place: string; problem: string; known: readonly string[] }) => ({
    what: 'an option of a task is not one of its stage or loss',
    where: f.place,
    got: f.problem,
    expected: f.known.length === 0 ? 'no options' : f.known.join(', '),
    fix: 'correct or remove it',
  }),
  noMask: (_facts: object) => ({
    what: 'tokens are to be hidden, and the tokenizer has none that stands for a hidden one',
    where: 'stage masked',
    expected: 'a mask_token in tokenizer_config.json, such as [MASK] or <mask>',
    fix: 'train an encoder with its own tokenizer, or choose stage contextual for a decoder',
  }),
});
