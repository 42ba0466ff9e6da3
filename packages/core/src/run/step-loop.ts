// SPDX-License-Identifier: Apache-2.0
import type { StageSession, StepResult } from '../contracts/stage.js';
import type { CheckpointStore } from './checkpoints.js';
import type { MetricsLog } from './metrics-log.js';
import { MetricsWindow } from './metrics-window.js';
import { runErrors } from './run-errors.js';
import type { TrainingOutcome } from './run-training.js';
import type { TrainingRun } from './training-run.js';

/** A step that is queued on the device and not yet read back. */
interface PendingStep {
  readonly step: number;
  readonly result: StepResult;
  readonly seconds: number;
}

/**
 * Steps and what happens between them: a step's metrics are awaited only after the next one is queued, except where
 * something must not outrun them (evaluation, a checkpoint, the end).
 */
export class StepLoop {
  private readonly window = new MetricsWindow();
  private readonly lastRow: Record<string, number | string | null> = {};
  private pending: PendingStep | null = null;
  private lastEvaluation = -1;
  private lastCheckpoint: number;

  constructor(
    private readonly run: TrainingRun,
    private readonly session: StageSession,
    private readonly log: MetricsLog,
    private readonly store: CheckpointStore,
    private readonly stop: AbortSignal,
  ) {
    this.lastCheckpoint = run.step;
  }

  /** A fresh run is evaluated before step 1 when asked for; a resumed one takes note of what was evaluated already. */
  async start(isResumed: boolean): Promise<void> {
    if (isResumed) this.lastEvaluation = await this.log.lastEvaluation();
    else if (this.run.config.train.evalOnStart) await this.evaluate();
  }

  /** One optimizer step and, where due, its log row, evaluation and checkpoint. */
  async next(): Promise<void> {
    const { run, session } = this;
    const started = performance.now();
    const step = run.step + 1;
    const result = await session.step(step);
    run.step = step;
    await run.hooks.stepDone.promise({ step, epoch: this.epoch(step) });
    await this.settle();
    this.pending = { step, result, seconds: (performance.now() - started) / 1000 };
    const { evalEvery, saveEvery } = run.config.train;
    if (isDue(step, evalEvery)) await this.evaluate();
    if (isDue(step, saveEvery)) await this.checkpoint();
  }

  /** After the last step: final evaluation, checkpoint and `end`. */
  async finish(): Promise<TrainingOutcome> {
    const { run } = this;
    const reason = run.step < run.totalSteps && this.stop.aborted ? 'interrupted' : 'finished';
    await this.settle();
    await this.flush();
    if (reason === 'finished') await this.evaluate();
    await this.checkpoint();
    await run.hooks.end.promise({ step: run.step, reason });
    return { output: run.output, step: run.step, reason, metrics: this.lastRow };
  }

  /** Waits for the pending step's metrics and logs its row when due. @throws LLMF_CORE_LOSS_NOT_FINITE. */
  private async settle(): Promise<void> {
    const pending = this.pending;
    this.pending = null;
    if (pending === null) return;
    const metrics = await pending.result.metrics;
    const loss = metrics['loss'];
    if (loss !== undefined && !Number.isFinite(loss)) {
      throw runErrors.lossNotFinite({ step: pending.step, loss, output: this.run.output });
    }
    this.window.add(pending.result, metrics, pending.seconds);
    if (isDue(pending.step, this.run.config.train.logEvery)) await this.flush(pending.step);
  }

  private async flush(step: number = this.run.step): Promise<void> {
    if (!this.window.isEmpty) await this.emit(step, { ...this.window.take(), peakMemoryBytes: peakMemoryBytes() });
  }

  private async evaluate(): Promise<void> {
    await this.settle();
    const { run } = this;
    if (this.lastEvaluation === run.step) return;
    this.lastEvaluation = run.step;
    const started = performance.now();
    const metrics = await this.session.evaluate();
    if (metrics === null) return;
    const seconds = (performance.now() - started) / 1000;
    const all = await run.hooks.evaluate.promise({ ...metrics, seconds });
    await this.emit(run.step, Object.fromEntries(Object.entries(all).map(([name, value]) => [`eval_${name}`, value])));
  }

  /** Written only when every step up to here is known to have a finite loss. */
  private async checkpoint(): Promise<void> {
    await this.settle();
    const { run, store } = this;
    if (this.lastCheckpoint === run.step) return;
    this.lastCheckpoint = run.step;
    const folder = await store.write(run.step, run.config.resolved, await run.state.save());
    await store.prune(run.config.train.keepCheckpoints);
    await run.hooks.checkpoint.promise({ step: run.step, folder });
  }

  private async emit(step: number, values: Readonly<Record<string, number>>): Promise<void> {
    const row = { step, epoch: Number(this.epoch(step).toFixed(4)), ...values };
    Object.assign(this.lastRow, row);
    await this.log.append(row);
    await this.run.hooks.log.promise(row);
  }

  private epoch(step: number): number {
    return step / this.session.stepsPerEpoch;
  }
}

const isDue = (step: number, every: number | null) => every !== null && step % every === 0;

/** Largest resident size of this process so far; Node reports kilobytes. */
const peakMemoryBytes = () => process.resourceUsage().maxRSS * 1024;
