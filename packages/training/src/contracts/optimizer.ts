// SPDX-License-Identifier: Apache-2.0
import { token, type Named, type Stateful } from '@llmf/core';
import type { Gradient } from './hooks.js';
import type { Scalar, Variable } from '@llmf/nn';

/** Learning rate as a factor of the peak, a pure function of the step: `factor(step)` for steps 1…total. */
export interface Schedule extends Named {
  factor(step: number, total: number, warmupSteps: number, options: Record<string, unknown>): number;
}
export const ScheduleToken = token<Schedule>('schedule');

/** An optimizer's maker; the made one owns its moments and saves them under parameter names. */
export interface Optimizer extends Named {
  /** Bytes of memory per trained number, for the estimate of `llmf check`. */
  bytesPerWeight(options: never): number;
  create(variables: ReadonlyMap<string, Variable>, options: Record<string, unknown>): OptimizerState;
}
export interface OptimizerState extends Stateful {
  /**
   * Updates every variable that has a gradient, at `learningRate` times the gradient's rate; `scale` (clipping) multiplies
   * gradients first. Keeps no gradient. One that has to read values waits for them: gradients live until it is done.
   */
  update(
    gradients: ReadonlyMap<string, Gradient>,
    learningRate: number,
    step: number,
    scale?: Scalar,
  ): void | Promise<void>;
  dispose(): void;
}
export const OptimizerToken = token<Optimizer>('optimizer');
