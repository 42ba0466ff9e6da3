// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '../errors.js';
import { nearest } from '../text/nearest.js';

export const runErrors = defineErrors('core', {
  stateTwice: (f: { name: string }) => ({
    what: `two parts of the run keep state under the name "${f.name}"`,
    fix: 'give the second one another name in run.state.add',
  }),
  outputInUse: (f: { folder: string }) => ({
    what: 'the output folder already holds a run',
    where: f.folder,
    expected: 'a new or empty folder',
    fix: 'choose another `output`, continue that run with --resume, or move the folder away',
  }),
  outputUnwritable: (f: { folder: string; reason: string }) => ({
    what: 'the output folder cannot be written',
    where: f.folder,
    got: f.reason,
    fix: 'choose another `output` or change its permissions',
  }),
  outputHoldsWeights: (f: { folder: string; file: string }) => ({
    what: 'the output folder holds weights, which would be replaced',
    where: f.folder,
    got: f.file,
    expected: 'a new or empty folder',
    fix: 'choose another output folder, or move this one away',
  }),
  outputRunning: (f: { folder: string; holder: string }) => ({
    what: 'another run is writing to the output folder',
    where: f.folder,
    got: f.holder,
    fix: 'wait until it has ended, or name another folder: output=…',
  }),
  metricAbsent: (f: { key: string; metric: string; known: readonly string[] }) => ({
    what: `train.${f.key} waits for a metric that no evaluation gives`,
    where: `train.${f.key}.metric`,
    got: f.metric,
    expected:
      f.known.length > 0
        ? `one of ${nearest(f.metric, f.known).join(', ')}`
        : 'an evaluation: held-out rows in data.eval',
    fix: f.known.length > 0 ? 'use one of these names' : 'set data.eval, such as `eval: { split: 0.1 }`',
  }),
  lossNotFinite: (f: { step: number; loss: number; output: string }) => ({
    what: `the loss of step ${f.step} is not a finite number; training stopped, nothing of this step was saved`,
    where: f.output,
    got: String(f.loss),
    expected: 'a finite loss',
    fix: 'lower train.learningRate, keep train.maxGradNorm on, look at the rows of this step; earlier checkpoints are untouched',
  }),
  resumeConfigChanged: (f: { keys: readonly string[]; folder: string }) => ({
    what: 'the config differs from the checkpoint in keys that change the result',
    where: f.folder,
    got: f.keys.join('; '),
    expected: 'only duration, logging and output keys to change on --resume',
    fix: 'restore these keys, or start afresh in another output folder',
  }),
  checkpointBroken: (f: { file: string; reason: string; good: number | null }) => ({
    what: 'a checkpoint is damaged',
    where: f.file,
    got: f.reason,
    expected:
      f.good === null ? 'what was written; no older checkpoint is whole' : `what was written; step ${f.good} is whole`,
    fix:
      f.good === null
        ? 'start afresh in another output folder; look at the disk'
        : `move this folder away; --resume then goes on from step ${f.good}. Look at the disk`,
  }),
  checkpointStates: (f: { folder: string; missing: readonly string[]; unknown: readonly string[] }) => ({
    what: 'the checkpoint does not hold the state that this run keeps',
    where: f.folder,
    got: [
      f.missing.length > 0 ? `missing: ${f.missing.join(', ')}` : '',
      f.unknown.length > 0 ? `unknown: ${f.unknown.join(', ')}` : '',
    ]
      .filter(Boolean)
      .join('; '),
    fix: 'resume with the same plugins and versions that wrote it',
  }),
  nothingToTrain: (f: { steps: number }) => ({
    what: 'the run has no optimizer step to do',
    got: `${f.steps} steps`,
    expected: 'at least one',
    fix: 'raise train.epochs or train.maxSteps, or add rows to data.train',
  }),
  noBackend: (f: { reasons: readonly string[] }) => ({
    what: 'no backend can start on this machine',
    got: f.reasons.join('; '),
    fix: 'install @llmf/backend-wasm, which runs everywhere',
  }),
  precisionUnsupported: (f: { backend: string; precision: string; supported: readonly string[] }) => ({
    what: `backend ${f.backend} has no precision ${f.precision} here`,
    where: 'backend.precision',
    got: f.precision,
    expected: [...f.supported, 'auto'].join(' or '),
    fix: 'use `precision: auto`, or another backend',
  }),
});
