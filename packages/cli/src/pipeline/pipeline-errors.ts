// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

/** What goes wrong between the stages of a pipeline rather than in one. */
export const pipelineErrors = defineErrors('cli', {
  pipelineEmpty: (f: { where: string }) => ({
    what: 'the pipeline has no stages',
    where: f.where,
    expected: 'stages: { NAME: { … }, … }',
    fix: 'name the stages in the order they run in',
  }),
  pipelineFrom: (f: { name: string; where: string; earlier: readonly string[]; isLater: boolean }) => ({
    what: f.isLater
      ? `stage "${f.name}" runs later than the stage that takes from it`
      : `there is no stage "${f.name}" to take from`,
    where: f.where,
    expected: f.earlier.length > 0 ? `one of ${f.earlier.join(', ')}` : 'no `from` in the first stage',
    fix: f.isLater ? 'move it before this stage' : 'name an earlier stage',
  }),
  pipelineTwoModels: (f: { stage: string; from: string; where: string }) => ({
    what: `stage "${f.stage}" names two models`,
    where: f.where,
    got: `from: ${f.from}, and model.path`,
    fix: 'leave one of them out',
  }),
  pipelineAdapter: (f: { stage: string; from: string; adapter: string; where: string }) => ({
    what: `stage "${f.stage}" cannot continue the adapter that "${f.from}" wrote`,
    where: f.where,
    got: `adapter: ${f.adapter}`,
    expected: 'an adapter of the same kind, or a whole model to begin with',
    fix: `leave adapter out, or put a stage between: { command: merge, flags: { model: …, adapter: { from: ${f.from} } } }`,
  }),
  pipelineWroteNothing: (f: { from: string; folder: string }) => ({
    what: `stage "${f.from}" left no model to begin with`,
    where: f.folder,
    expected: 'adapter_config.json or config.json',
    fix: 'take from a stage that trains or writes a model; one that trained is run again with --resume once its folder is moved away',
  }),
  pipelineInUse: (f: { folder: string }) => ({
    what: 'the output folder holds another run of a pipeline',
    where: f.folder,
    fix: 'continue it with --resume, or choose another output',
  }),
  pipelineStageChanged: (f: { stage: string; changes: readonly string[]; folder: string; where: string }) => ({
    what: `stage "${f.stage}" is finished, and was trained with another config`,
    where: f.where,
    got: f.changes.join('; '),
    fix: `put it back, or move ${f.folder} away to run this stage and what follows from it again`,
  }),
  pipelineStale: (f: { stage: string; from: string; folder: string }) => ({
    what: `stage "${f.stage}" began with an earlier run of "${f.from}"`,
    where: f.folder,
    fix: 'move this folder away, then continue with --resume',
  }),
  pipelineState: (f: { file: string; reason: string }) => ({
    what: 'the record of this pipeline cannot be read',
    where: f.file,
    got: f.reason,
    fix: 'move the file away and start with --resume: finished stages end at once, since their last checkpoints are there',
  }),
  pipelineCommand: (f: { command: string; where: string; known: readonly string[] }) => ({
    what: `a pipeline cannot run the command "${f.command}"`,
    where: f.where,
    expected: `one of ${f.known.join(', ')}`,
    fix: 'name a command that writes to --output',
  }),
  pipelineFlag: (f: { command: string; flag: string; where: string; known: readonly string[] }) => ({
    what: `llmf ${f.command} has no option --${f.flag}`,
    where: f.where,
    expected: `one of ${f.known.map((each) => `--${each}`).join(', ')}`,
    fix: `see \`llmf ${f.command} --help\``,
  }),
  pipelineCommandFailed: (f: { stage: string; command: string; status: number }) => ({
    what: `stage "${f.stage}" failed: llmf ${f.command} ended with status ${f.status}`,
    fix: 'mend what it says above, then continue with --resume',
  }),
});
