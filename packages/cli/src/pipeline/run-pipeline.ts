// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { changedKeys, isLock, isThereSync, makeFolder, holderText, runErrors, tryLock } from '@llmf/core';
import type { Command } from 'commander';
import type { Display } from '../display.js';
import type { Interruption } from '../interruption.js';
import type { CliIo } from '../io.js';
import { checkCommandStage, runCommandStage } from './command-stage.js';
import { pipelineErrors } from './pipeline-errors.js';
import { readPipeline, referencesOf, type Pipeline, type StageEntry } from './pipeline-file.js';
import { PipelineRecord, type FinishedStage } from './pipeline-record.js';
import { writeReport } from './pipeline-report.js';
import { stageFolder, stageInput, writtenBy, type Written } from './stage-config.js';
import { checkedConfig, runTrainingStage } from './training-stage.js';

export interface PipelineCall {
  readonly io: CliIo;
  readonly display: Display;
  readonly resume: boolean;
  readonly interruption: Interruption;
  /** The commands of llmf, which stages may be. */
  readonly commands: readonly Command[];
}

/**
 * Runs the stages of a pipeline in order. Every config is checked before the first stage starts; a stage that is
 * finished is not run again; the report is written after each.
 * @returns its folder; null where it was interrupted
 */
export async function runPipeline(file: string, call: PipelineCall): Promise<string | null> {
  const pipeline = await checkedPipeline(file, call);
  const folder = join(pipeline.folder, pipeline.output);
  makeFolder(folder);
  const lock = tryLock(join(folder, '.lock'));
  if (!isLock(lock)) throw runErrors.outputRunning({ folder, holder: holderText(lock) });
  try {
    const run = new PipelineRun(pipeline, await openRecord(folder, call.resume), call);
    return (await run.all()) ? folder : null;
  } finally {
    lock.release();
  }
}

/** The pipeline, every stage's config checked, as far as one can before the first stage has run. */
export async function checkedPipeline(file: string, call: Pick<PipelineCall, 'io' | 'commands'>): Promise<Pipeline> {
  const pipeline = await readPipeline(call.io.folder, file);
  await checkStages(pipeline, call);
  return pipeline;
}

/** As if every earlier stage had written a whole model: what they write is known when they are finished. */
async function checkStages(pipeline: Pipeline, { commands, io }: Pick<PipelineCall, 'io' | 'commands'>): Promise<void> {
  const planned = new Map<string, Written>();
  for (const stage of pipeline.stages) {
    if (stage.kind === 'command') checkCommandStage(pipeline, stage, commands);
    else await checkedConfig(io.folder, stageInput(pipeline, stage, planned));
    const folder = stageFolder(pipeline, stage.name);
    planned.set(stage.name, { folder, model: null, isAdapter: false, isModel: true });
  }
}

/** @throws LLMF_CLI_PIPELINE_IN_USE */
async function openRecord(folder: string, resume: boolean): Promise<PipelineRecord> {
  const found = await PipelineRecord.read(folder);
  if (found !== null && !resume) throw pipelineErrors.pipelineInUse({ folder });
  return found ?? (await PipelineRecord.begin(folder));
}

class PipelineRun {
  private readonly written = new Map<string, Written>();

  constructor(
    private readonly pipeline: Pipeline,
    private readonly record: PipelineRecord,
    private readonly call: PipelineCall,
  ) {}

  async all(): Promise<boolean> {
    const { stages } = this.pipeline;
    for (const [index, stage] of stages.entries()) {
      const title = `stage ${index + 1} of ${stages.length}: ${stage.name}`;
      if (!(await this.isFinished(stage))) {
        this.call.display.info(title);
        if (!(await this.run(stage))) return false;
      } else this.call.display.info(`${title} is finished`);
      const model = this.record.get(stage.name)?.model ?? null;
      this.written.set(stage.name, writtenBy(this.pipeline, stage.name, model));
      await writeReport(this.pipeline, this.record);
    }
    return true;
  }

  /** Recorded, still there, and what it would be now. @throws where its config changed or it stands on an older run */
  private async isFinished(stage: StageEntry): Promise<boolean> {
    const finished = this.record.get(stage.name);
    const folder = join(this.pipeline.folder, stageFolder(this.pipeline, stage.name));
    if (finished === null || !isThereSync(folder)) {
      if (finished !== null) await this.record.forget(stage.name);
      return false;
    }
    const changes = changedKeys(finished.deciding, await this.decidingOf(stage));
    if (changes.length > 0) {
      const where = this.pipeline.input.source.locate(['stages', stage.name]);
      throw pipelineErrors.pipelineStageChanged({ stage: stage.name, changes, folder, where });
    }
    const stale = Object.entries(finished.from).find(([name, at]) => this.record.get(name)?.finishedAt !== at);
    if (stale !== undefined) throw pipelineErrors.pipelineStale({ stage: stage.name, from: stale[0], folder });
    return true;
  }

  private async decidingOf(stage: StageEntry): Promise<Readonly<Record<string, unknown>>> {
    if (stage.kind === 'command') return { command: stage.command, arguments: stage.arguments, flags: stage.flags };
    return (await checkedConfig(this.call.io.folder, this.inputOf(stage))).deciding;
  }

  private inputOf(stage: StageEntry & { readonly kind: 'training' }) {
    return stageInput(this.pipeline, stage, this.written);
  }

  private async run(stage: StageEntry): Promise<boolean> {
    const { io, display, interruption } = this.call;
    const begun = performance.now();
    let isAtEnd = false;
    try {
      if (interruption.signal.aborted) return false;
      if (stage.kind === 'command') await runCommandStage(this.pipeline, stage, io, this.call.commands);
      else {
        const resume = isThereSync(join(this.pipeline.folder, stageFolder(this.pipeline, stage.name)));
        if (!(await runTrainingStage(io.folder, this.inputOf(stage), { display, interruption, resume }))) return false;
      }
      isAtEnd = true;
    } finally {
      const seconds = (performance.now() - begun) / 1000;
      if (isAtEnd) await this.record.finish(stage.name, await this.factsOf(stage, seconds));
      else await this.record.addSeconds(stage.name, seconds);
    }
    return true;
  }

  private async factsOf(stage: StageEntry, seconds: number): Promise<FinishedStage> {
    const sources = [...new Set(referencesOf(stage).map(({ name }) => name))];
    const model = stage.kind === 'training' ? (this.inputOf(stage).raw['model'] as FinishedStage['model']) : null;
    return {
      finishedAt: new Date().toISOString(),
      seconds: Number((this.record.secondsOf(stage.name) + seconds).toFixed(1)),
      deciding: { ...(await this.decidingOf(stage)) },
      from: Object.fromEntries(sources.map((name) => [name, this.record.get(name)!.finishedAt])),
      model: model ?? null,
    };
  }
}
