// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

/** What goes wrong in a sweep rather than in a trial. */
export const sweepErrors = defineErrors('cli', {
  sweepConfig: (f: { path: string; where: string }) => ({
    what: 'there is no config for the trials',
    where: f.where,
    got: f.path,
    expected: 'a config of `llmf train`, relative to the sweep’s file',
    fix: 'name it as config: PATH',
  }),
  sweepTrlxConfig: (f: { where: string }) => ({
    what: 'a sweep of trlX does not say which config its trials train, since a program does there',
    where: f.where,
    expected: 'config: ppo.yml, a config of trlX, relative to the sweep’s file',
    fix: 'add it beside tune_config, and what the program gives as set: { data.train: […], rewards: {…} }',
  }),
  sweepTrlx: (f: { key: string; got: string; expected: string; where: string }) => ({
    what: `${f.key} of trlX’s sweep has no place here`,
    where: f.where,
    got: f.got,
    expected: f.expected,
    fix: 'change it, or write the sweep with keys of llmf: docs/sweeps.md',
  }),
  sweepEmpty: (f: { where: string }) => ({
    what: 'the sweep has nothing to search',
    where: f.where,
    expected: 'space: { train.learningRate: { loguniform: [1e-5, 1e-2] } }',
    fix: 'name the keys of the config that shall differ between trials',
  }),
  sweepGrid: (f: { key: string; where: string }) => ({
    what: `a grid cannot walk through ${f.key}`,
    where: f.where,
    expected: 'choice or grid: a list of values',
    fix: 'list the values, or choose sampler: tpe or random',
  }),
  sweepTrials: (f: { where: string }) => ({
    what: 'the sweep does not say how many trials it has',
    where: f.where,
    expected: 'a whole number, 1 or more',
    fix: 'write trials: 12',
  }),
  sweepInUse: (f: { folder: string }) => ({
    what: 'the output folder holds a sweep',
    where: f.folder,
    fix: 'continue it with --resume, or choose another output',
  }),
  sweepRunning: (f: { folder: string; pid: number; host: string }) => ({
    what: 'another process runs this sweep',
    where: f.folder,
    got: `process ${f.pid} on ${f.host}`,
    fix: 'wait for it, or end it',
  }),
  sweepChanged: (f: { keys: readonly string[]; folder: string }) => ({
    what: 'the sweep in this folder was begun with another file',
    where: f.folder,
    got: `changed: ${f.keys.join(', ')}`,
    expected: 'only trials, parallel and output to change on --resume',
    fix: 'put them back, or choose another output',
  }),
  sweepJournal: (f: { file: string; reason: string }) => ({
    what: 'the journal of this sweep cannot be read',
    where: f.file,
    got: f.reason,
    expected: 'lines of Optuna’s journal with one study',
    fix: 'move it away, or choose another output',
  }),
  sweepTrialsFail: (f: { count: number; last: string }) => ({
    what: `the first ${f.count} trials failed`,
    got: f.last,
    fix: 'run a trial by itself: llmf train with the same keys; then continue with --resume',
  }),
});
