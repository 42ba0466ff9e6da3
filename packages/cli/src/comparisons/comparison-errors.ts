// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

/** What goes wrong while answers are sampled and compared. */
export const comparisonErrors = defineErrors('cli', {
  samplesUnreadable: (f: { where: string; reason: string }) => ({
    what: 'this is not what `llmf sample` writes',
    where: f.where,
    got: f.reason,
    expected: 'one JSON object a line: row, prompt, samples, source, sampling',
    fix: 'name a file that `llmf sample` wrote',
  }),
  outputExists: (f: { file: string; command: string }) => ({
    what: 'the output is there already',
    where: f.file,
    fix: `continue it with --resume, or choose another --output of ${f.command}`,
  }),
  sampledDifferently: (f: { file: string; changes: readonly string[] }) => ({
    what: 'the answers that are there were sampled in another way',
    where: f.file,
    got: f.changes.join('; '),
    fix: 'continue with the same options, or choose another --output',
  }),
  samplesOfOtherPrompts: (f: { file: string; row: number }) => ({
    what: 'the answers that are there belong to other prompts',
    where: `${f.file}, row ${f.row}`,
    fix: 'continue with the same prompts, or choose another --output',
  }),
  promptsOfIds: (f: { row: number; columns: readonly string[] }) => ({
    what: 'a prompt of token ids has no text to write down',
    where: `row ${f.row}`,
    got: f.columns.join(', '),
    expected: 'prompts as text or turns',
    fix: 'sample from rows that hold text',
  }),
  promptTooLong: (f: { file: string; row: number; tokens: number; most: number }) => ({
    what: 'a prompt leaves no room for an answer',
    where: `${f.file}, row ${f.row}`,
    got: `${f.tokens} tokens`,
    expected: `fewer than the ${f.most} of the model's context`,
    fix: 'shorten the prompt or take the row out; what was written before stays, and --resume continues it',
  }),
  nothingPreferred: (f: { file: string; prompts: number; unscored: number; margin: number }) => ({
    what: 'the reward prefers no answer, so there are no rows to write',
    where: f.file,
    got: `${f.prompts} prompts, ${f.unscored} of their answers without a score, the others equal${f.margin > 0 ? ` within ${f.margin}` : ''}`,
    expected: 'two different answers of a prompt with different scores',
    fix: 'sample with --answers 2 or more and a --temperature above 0, or use a reward that tells these answers apart',
  }),
  nothingToCompare: (f: { file: string }) => ({
    what: 'no prompt has two different answers',
    where: f.file,
    fix: 'sample with --answers 2 or more, and a --temperature above 0',
  }),
  labelsOfOtherSamples: (f: { file: string; samples: string }) => ({
    what: 'the labels that are there belong to other samples',
    where: f.file,
    expected: `labels of ${f.samples}`,
    fix: 'continue with the same samples and --seed, or choose another --output',
  }),
});
