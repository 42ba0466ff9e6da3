// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import { valueAndGradients, type Scalar, type Variable } from '@llmf/nn';
import { chosen } from '../choose.js';
import { trainingHooks, type GradientsReady } from '../contracts/hooks.js';
import { OptimizerToken, ScheduleToken, type OptimizerState, type Schedule } from '../contracts/optimizer.js';
import { GradientAccumulator } from './gradient-accumulator.js';

export interface Updated {
  readonly learningRate: number;
  /** Global norm of the gradients before clipping, where it was measured; the caller disposes it. */
  readonly gradNorm?: Scalar;
}

/** Turns scalar losses into updates: accumulates the gradients of any number of them, clips, updates, schedules. */
export class Updater {
  private readonly gradients: GradientAccumulator;
  private readonly optimizer: OptimizerState;
  private readonly schedule: { readonly value: Schedule; readonly options: Readonly<Record<string, unknown>> };

  /** Registers the state `optimizer` and the clean-up in the run. */
  constructor(
    private readonly run: Run,
    private readonly variables: ReadonlyMap<string, Variable>,
  ) {
    const [optimizer] = run.config.choices['train.optimizer']!;
    const [schedule] = run.config.choices['train.schedule']!;
    this.gradients = new GradientAccumulator(variables);
    this.schedule = {
      value: chosen(run.container, ScheduleToken, schedule!.name, 'train.schedule'),
      options: schedule!.options,
    };
    this.optimizer = chosen(run.container, OptimizerToken, optimizer!.name, 'train.optimizer').create(
      variables,
      { weightDecay: run.config.train.weightDecay },
      optimizer!.options,
    );
    run.state.add('optimizer', this.optimizer);
    run.hooks.shutdown.tap('optimizer', () => {
      this.optimizer.dispose();
      this.gradients.dispose();
    });
  }

  /** Runs a loss and its reverse pass; its gradients are added to those that wait for the next update. */
  accumulate(loss: () => Scalar): void {
    valueAndGradients(() => ({ loss: loss() }), this.variables.values(), this.gradients.sink).loss.dispose();
  }

  /** One update with everything accumulated since the last one, at the learning rate of optimizer step `step`. */
  async update(step: number): Promise<Updated> {
    const gathered: GradientsReady = { step, gradients: this.gradients.take() };
    const ready = await trainingHooks(this.run).gradientsReady.promise(gathered);
    const learningRate = this.learningRate(step);
    this.optimizer.update(ready.gradients, learningRate, step, ready.scale);
    for (const { value } of ready.gradients.values()) value.dispose();
    ready.scale?.dispose();
    return { learningRate, ...(ready.norm === undefined ? {} : { gradNorm: ready.norm }) };
  }

  private learningRate(step: number): number {
    const { learningRate, warmupRatio, warmupSteps } = this.run.config.train;
    const total = this.run.totalSteps;
    const warmup = warmupSteps ?? Math.ceil(warmupRatio * total);
    return learningRate * this.schedule.value.factor(step, total, warmup, this.schedule.options);
  }
}
