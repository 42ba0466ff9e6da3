// SPDX-License-Identifier: Apache-2.0
import type { StageSession, StepResult } from '../contracts/stage.js';
import type { CheckpointStore } from './checkpoints.js';
import type { MetricsLog } from './metrics-log.js';
import { isBeforeChange } from './before-change.js';
import { BestMetric } from './best-metric.js';
import { MetricsWindow } from './metrics-window.js';
import { runErrors } from './run-errors.js';
import { Stopped } from './stopped.js';
import type { TrainingOutcome } from './training-outcome.js';
import type { TrainingRun } from './training-run.js';
import { checkEvaluated } from './unevaluated.js';

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
  private readonly best: BestMetric | null;
  private pending: PendingStep | null = null;
  private lastEvaluation = -1;
  private lastCheckpoint = -1;

  constructor(
    private readonly run: TrainingRun,
    private readonly session: StageSession,
    private readonly log: MetricsLog,
    private readonly store: CheckpointStore,
    private readonly stop: AbortSignal,
  ) {
    const { keepBest } = run.config.train;
    this.best = keepBest === null ? null : new BestMetric('keepBest', keepBest);
    if (this.best !== null) run.state.add('best-checkpoint', this.best);
  }

  /** A fresh run is evaluated before step 1 when asked for; a resumed one takes note of what was evaluated already. */
  async start(isResumed: boolean): Promise<void> {
    this.lastCheckpoint = this.run.step;
    const { evalEvery, evalOnStart } = this.run.config.train;
    if (isResumed) this.lastEvaluation = await this.log.lastEvaluation();
    // A resumed run may have been asked to end in the middle of an evaluation.
    if (isResumed ? isDue(this.run.step, evalEvery) : evalOnStart) await this.evaluate();
  }

  /** One optimizer step and, where due, its log row, evaluation and checkpoint. */
  async next(): Promise<void> {
    const { run, session } = this;
    const started = performance.now();
    const step = run.step + 1;
    const result = await this.saving(session.step(step));
    run.step = step;
    await run.hooks.stepDone.promise({ step, epoch: this.epoch(step) });
    await this.settle();
    this.pending = { step, result, seconds: (performance.now() - started) / 1000 };
    const { evalEvery, saveEvery } = run.config.train;
    if (isDue(step, evalEvery)) await this.evaluate();
    if (isDue(step, saveEvery)) await this.checkpoint();
  }

  /** After the last step: final evaluation, checkpoint, the best weights where they were kept, and `end`. */
  async finish(stoppedBy?: string): Promise<TrainingOutcome> {
    const { run } = this;
    const reason = run.step < run.totalSteps && this.stop.aborted ? 'interrupted' : 'finished';
    await this.settle();
    await this.flush();
    if (reason === 'finished') await this.evaluate();
    await this.checkpoint();
    const bestStep = reason === 'finished' ? await this.restoreBest() : null;
    const facts = {
      ...(stoppedBy === undefined ? {} : { stoppedBy }),
      ...(bestStep === null ? {} : { bestStep }),
    };
    await run.hooks.end.promise({ step: run.step, reason, ...facts });
    return { output: run.output, step: run.step, reason, ...facts, metrics: this.lastRow };
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
    const started = performance.now();
    const metrics = await unlessStopped(this.saving(this.session.evaluate()));
    if (metrics === undefined) return;
    this.lastEvaluation = run.step;
    if (metrics === null) return checkEvaluated(run.config.train);
    const seconds = (performance.now() - started) / 1000;
    const all = await run.hooks.evaluate.promise({ ...metrics, seconds });
    const named = Object.fromEntries(Object.entries(all).map(([name, value]) => [`eval_${name}`, value]));
    await this.emit(run.step, named);
    const isBest = await this.noted(named).catch(async (error: unknown) => {
      await this.checkpoint(); // of a whole step: a misspelt metric costs none of those before
      throw error;
    });
    if (isBest && run.step > 0) await this.checkpoint();
  }

  /** Is this evaluation the best so far? */
  private async noted(metrics: Readonly<Record<string, number>>): Promise<boolean> {
    const { step, hooks } = this.run;
    const isBest = this.best?.note(step, metrics) ?? false;
    await hooks.evaluated.promise({ step, metrics });
    return isBest;
  }

  /** Where work ends before it changed anything, the steps before it are saved. */
  private async saving<T>(work: Promise<T>): Promise<T> {
    return await work.catch(async (error: unknown) => {
      if (isBeforeChange(error)) await this.checkpoint();
      throw error;
    });
  }

  /** The weights of the best evaluation in place of the last ones. Its step; null where they were not kept. */
  private async restoreBest(): Promise<number | null> {
    const { run, best, store } = this;
    if (best === null || best.step === null || best.step === 0) return null;
    if (best.step !== run.step) await run.state.loadResult((await store.read(best.step)).states);
    run.logger.info(`the best weights are kept: ${best.text}`);
    return best.step;
  }

  /** Written only when every step up to here is known to have a finite loss. */
  private async checkpoint(): Promise<void> {
    await this.settle();
    const { run, store } = this;
    if (this.lastCheckpoint === run.step) return;
    this.lastCheckpoint = run.step;
    const folder = await store.write(run.step, run.config.deciding, await run.state.stream());
    await store.prune(run.config.train.keepCheckpoints, this.best?.step ?? null);
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

/** undefined where the run was asked to end meanwhile: half an evaluation is none. */
const unlessStopped = <T>(work: Promise<T>): Promise<T | undefined> =>
  work.catch((error: unknown) => {
    if (Stopped.is(error)) return undefined;
    throw error;
  });

const isDue = (step: number, every: number | null) => every !== null && step % every === 0;

/** Largest resident size of this process so far; Node reports kilobytes. */
const peakMemoryBytes = () => process.resourceUsage().maxRSS * 1024;
