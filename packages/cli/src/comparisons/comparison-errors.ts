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
