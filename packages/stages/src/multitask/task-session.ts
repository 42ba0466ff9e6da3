// SPDX-License-Identifier: Apache-2.0
import type { StageSession, StepResult } from '@llmf/core';
import { MetricTotals, type Updater } from '@llmf/training';
import type { OpenTask, OpenTasks } from './open-tasks.js';

/** Steps of several tasks: metrics of each under its name, and the weighted sum of their losses. */
export class TaskSession implements StageSession {
  /** Of the task with the most; the others begin again. */
  readonly stepsPerEpoch: number;
  private readonly tasks: readonly OpenTask[];
  private readonly updater: Updater;

  constructor({ tasks, updater }: OpenTasks) {
    this.tasks = tasks;
    this.updater = updater;
    this.stepsPerEpoch = Math.max(...tasks.map(({ rows }) => rows.stepsPerEpoch));
  }

  async verify(): Promise<void> {}

  async step(step: number): Promise<StepResult> {
    const totals = this.tasks.map(() => new MetricTotals());
    const counts: Omit<StepResult, 'metrics'>[] = [];
    for (const [at, { loop, weight }] of this.tasks.entries()) {
      counts.push(await loop.accumulate(step, totals[at]!, weight));
    }
    const { learningRate, gradNorm } = await this.updater.update(step);
    if (gradNorm !== undefined) totals[0]!.takeShare(sharedNorm, gradNorm);
    const sum = (of: 'tokens' | 'computedTokens') => counts.reduce((total, count) => total + count[of], 0);
    return {
      metrics: Promise.all(totals.map((each) => each.read())).then(([first, ...others]) => {
        const { [sharedNorm]: norm, ...own } = first!;
        return { ...this.joined([own, ...others]), ...(norm !== undefined && { gradNorm: norm }), learningRate };
      }),
      tokens: sum('tokens'),
      computedTokens: sum('computedTokens'),
    };
  }

  async evaluate(): Promise<Record<string, number> | null> {
    const metrics = [];
    for (const { loop } of this.tasks) metrics.push(await loop.evaluate());
    return metrics.every((each) => each === null) ? null : this.joined(metrics);
  }

  /** Each task's metrics under its name; `loss` is the weighted sum of those that have one. */
  private joined(metrics: readonly (Readonly<Record<string, number>> | null)[]): Record<string, number> {
    const named = this.tasks.flatMap(({ name }, at) =>
      Object.entries(metrics[at] ?? {}).map(([key, value]) => [`${name}/${key}`, value] as const),
    );
    const loss = this.tasks.reduce((sum, { weight }, at) => sum + weight * (metrics[at]?.['loss'] ?? 0), 0);
    return { loss, ...Object.fromEntries(named) };
  }
}

/** What is clipped is the sum of all tasks' gradients. */
const sharedNorm = 'gradNorm';
