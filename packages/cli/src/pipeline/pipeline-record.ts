// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { writeFileAtomic, z, readIfThere } from '@llmf/core';
import { pipelineErrors } from './pipeline-errors.js';

const finishedStage = z.strictObject({
  finishedAt: z.string(),
  /** Of this stage, over all its starts. */
  seconds: z.number().min(0),
  /** What decides its result. */
  deciding: z.record(z.string(), z.unknown()),
  /** `finishedAt` of each stage it took from. */
  from: z.record(z.string(), z.string()),
  /** Its `model` section; null for a command. */
  model: z.record(z.string(), z.unknown()).nullable(),
});
export type FinishedStage = z.infer<typeof finishedStage>;

const recordFile = z.strictObject({
  /** Seconds that a stage which is not finished has taken so far. */
  begun: z.record(z.string(), z.number()),
  finished: z.record(z.string(), finishedStage),
});

/** `pipeline.json`: the stages that are finished, so that a resumed pipeline goes on after them. */
export class PipelineRecord {
  private constructor(
    private readonly file: string,
    private readonly begun: Record<string, number>,
    private readonly finished: Record<string, FinishedStage>,
  ) {}

  /** null: the folder has none. @throws LLMF_CLI_PIPELINE_STATE */
  static async read(folder: string): Promise<PipelineRecord | null> {
    const file = join(folder, 'pipeline.json');
    const text = await readIfThere(file);
    if (text === null) return null;
    try {
      const { begun, finished } = recordFile.parse(JSON.parse(text));
      return new PipelineRecord(file, begun, finished);
    } catch (error) {
      throw pipelineErrors.pipelineState({ file, reason: (error as Error).message.split('\n')[0]! }, { cause: error });
    }
  }

  static async begin(folder: string): Promise<PipelineRecord> {
    const record = new PipelineRecord(join(folder, 'pipeline.json'), {}, {});
    await record.write();
    return record;
  }

  get(stage: string): FinishedStage | null {
    return this.finished[stage] ?? null;
  }

  /** Seconds of earlier starts. */
  secondsOf(stage: string): number {
    return this.begun[stage] ?? 0;
  }

  /** Adds the time of a start that did not come to its end. */
  async addSeconds(stage: string, seconds: number): Promise<void> {
    this.begun[stage] = this.secondsOf(stage) + seconds;
    await this.write();
  }

  async finish(stage: string, facts: FinishedStage): Promise<void> {
    this.finished[stage] = facts;
    delete this.begun[stage];
    await this.write();
  }

  async forget(stage: string): Promise<void> {
    delete this.finished[stage];
    await this.write();
  }

  private async write(): Promise<void> {
    await writeFileAtomic(this.file, `${JSON.stringify({ begun: this.begun, finished: this.finished }, null, 2)}\n`);
  }
}
