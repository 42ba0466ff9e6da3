// SPDX-License-Identifier: Apache-2.0
/**
 * What trackers have in common: they watch a run and can neither stop nor delay it. Rows wait in a queue until they are
 * kept; a failure is told once and tried again with later rows; what is left at the end is told.
 */
import type { MetricsRow, Run, RunStarted } from '../contracts/run.js';
import { apiVersion } from '../contracts/plugin.js';
import type { Plugin } from '../contracts/engine.js';

/** One run at a place that keeps metrics. Calls come one after the other; one that rejects is made again. */
export interface Tracker {
  /** A row of metrics.jsonl. */
  log(row: MetricsRow): Promise<void>;
  /** The run is over. */
  end(outcome: TrackedOutcome): Promise<void>;
}
export type TrackedOutcome = 'finished' | 'interrupted' | 'failed';

export interface TrackerFacts extends Pick<Plugin, 'description' | 'options' | 'section'> {
  readonly name: string;
  /** Called when a run starts, and again after it failed, until it succeeds. */
  open(run: Run, started: RunStarted): Promise<Tracker>;
  /** Milliseconds: the least between two attempts after a failure, and the most that the end of a run waits. */
  readonly patience?: { readonly retry: number; readonly end: number };
}

const usualPatience = { retry: 10_000, end: 15_000 };

/** The plugin of a tracker: `decides: false`, so a run resumes with or without it. */
export function defineTracker({ open, patience = usualPatience, ...facts }: TrackerFacts): Plugin {
  return {
    ...facts,
    apiVersion,
    decides: false,
    apply: ({ hooks }) =>
      hooks.run.tap(facts.name, (run) => {
        const queue = new TrackerQueue(facts.name, run, patience);
        run.hooks.started.tap(facts.name, (started) => queue.start(() => open(run, started)));
        run.hooks.log.tap(facts.name, (row) => queue.add((tracker) => tracker.log(row)));
        run.hooks.end.tapPromise(facts.name, ({ reason }) => queue.end(reason));
        run.hooks.failure.tapPromise(facts.name, () => queue.end('failed'));
      }),
  };
}

/** Numbers of a row as Transformers names them to TensorBoard and Weights & Biases: `train/loss`, `eval/loss`. Of an evaluation, what it measured. */
export function namedAsTransformers(metrics: MetricsRow): Record<string, number> {
  const numbers = Object.entries(metrics).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  const measured = numbers.filter(([name]) => name.startsWith('eval_'));
  const named =
    measured.length > 0
      ? measured.map(([name, value]) => [`eval/${name.slice('eval_'.length)}`, value])
      : numbers.map(([name, value]) => [`train/${name}`, value]);
  return Object.fromEntries(named) as Record<string, number>;
}

type Work = (tracker: Tracker) => Promise<void>;

class TrackerQueue {
  private readonly waiting: Work[] = [];
  private open: (() => Promise<Tracker>) | null = null;
  private tracker: Tracker | null = null;
  private working: Promise<void> | null = null;
  private failedAt = -Infinity;
  private hasWarned = false;

  constructor(
    private readonly name: string,
    private readonly run: Run,
    private readonly patience: { readonly retry: number; readonly end: number },
  ) {}

  start(open: () => Promise<Tracker>): void {
    this.open = open;
    this.work();
  }

  add(work: Work): void {
    this.waiting.push(work);
    if (performance.now() - this.failedAt >= this.patience.retry) this.work();
  }

  /** Keeps what is left, in the time there is. */
  async end(outcome: TrackedOutcome): Promise<void> {
    if (this.open === null) return;
    const rows = () => this.waiting.length;
    this.waiting.push((tracker) => tracker.end(outcome));
    this.work();
    const timeUp = new Promise<void>((resolve) => setTimeout(resolve, this.patience.end).unref());
    await Promise.race([this.working, timeUp]);
    if (rows() <= 1) return; // the call of the end itself
    const lost = rows() - 1;
    this.run.logger.warn(`${this.name}: ${lost} rows were not kept; metrics.jsonl has them all`);
  }

  /** One worker at a time. */
  private work(): void {
    this.working ??= this.drain().finally(() => {
      this.working = null;
    });
  }

  private async drain(): Promise<void> {
    try {
      this.tracker ??= await this.open!();
      while (this.waiting.length > 0) {
        await this.waiting[0]!(this.tracker);
        this.waiting.shift();
      }
      this.failedAt = -Infinity;
    } catch (error) {
      this.failedAt = performance.now();
      if (!this.hasWarned) this.run.logger.warn(`${this.name}: ${(error as Error).message}; the run goes on`);
      this.hasWarned = true;
    }
  }
}
