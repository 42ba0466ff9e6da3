// SPDX-License-Identifier: Apache-2.0
import { firstNonFinite, type Run } from '@llmf/core';
import { ModelToken, nonFiniteWeight, valueAndGradients, valuesOf, type Scalar, type Variable } from '@llmf/nn';
import { GradientWatch } from '../checks/gradient-watch.js';
import { WeightWatch } from '../checks/weight-watch.js';
import { chosen } from '../choose.js';
import { trainingHooks, type GradientsReady } from '../contracts/hooks.js';
import { OptimizerToken, ScheduleToken, type OptimizerState, type Schedule } from '../contracts/optimizer.js';
import { trainingErrors } from '../training-errors.js';
import { GradientAccumulator } from './gradient-accumulator.js';
import { parameterSettings } from './parameter-groups.js';
import { unreachedPeak, warmupIn } from './warm-up.js';

export interface Updated {
  readonly learningRate: number;
  /** Global norm of the gradients before clipping, where it was measured; the caller disposes it. */
  readonly gradNorm?: Scalar;
}

/** Turns scalar losses into updates: accumulates the gradients of any number of them, clips, updates, schedules. */
export class Updater {
  private readonly gradients: GradientAccumulator;
  private readonly gradientWatch: GradientWatch;
  private readonly weightWatch: WeightWatch;
  private readonly optimizer: OptimizerState;
  private readonly schedule: { readonly value: Schedule; readonly options: Readonly<Record<string, unknown>> };

  /**
   * Registers the state `optimizer` and the clean-up in the run.
   * @param peak learning rate, which the schedule scales
   */
  constructor(
    private readonly run: Run,
    private readonly variables: ReadonlyMap<string, Variable>,
    private readonly peak: number,
  ) {
    const [optimizer] = run.config.choices['train.optimizer']!;
    const [schedule] = run.config.choices['train.schedule']!;
    const settings = parameterSettings(variables, run.config.train);
    const moving = new Map([...variables].filter(([name]) => settings.get(name)!.rate !== 0));
    this.gradients = new GradientAccumulator(variables, settings);
    this.gradientWatch = new GradientWatch(run, [...moving.keys()]);
    this.weightWatch = new WeightWatch(run, moving, this.gradientWatch);
    this.schedule = {
      value: chosen(run.container, ScheduleToken, schedule!.name, 'train.schedule'),
      options: schedule!.options,
    };
    this.optimizer = chosen(run.container, OptimizerToken, optimizer!.name, 'train.optimizer').create(
      variables,
      optimizer!.options,
    );
    run.state.add('optimizer', this.optimizer);
    run.hooks.started.tap('warm-up', ({ totalSteps }) => {
      const line = unreachedPeak(run.config.train, totalSteps);
      if (line !== null) run.logger.warn(line);
    });
    run.hooks.shutdown.tap('optimizer', () => {
      this.optimizer.dispose();
      this.gradients.dispose();
    });
  }

  /** Runs a loss and its reverse pass; its gradients are added to those that wait for the next update. */
  accumulate(loss: () => Scalar): void {
    valueAndGradients(() => ({ loss: loss() }), this.variables.values(), this.gradients.sink).loss.dispose();
  }

  /** Drops everything accumulated since the last update. */
  discard(): void {
    this.gradients.dispose();
  }

  /**
   * One update with everything accumulated since the last one, at the learning rate of optimizer step `step`.
   * @throws LLMF_TRAINING_GRADIENT_NOT_FINITE, …_MODEL_NOT_FINITE, …_NO_GRADIENT before any weight is changed
   */
  async update(step: number): Promise<Updated> {
    const gathered: GradientsReady = { step, gradients: this.gradients.take() };
    const ready = await trainingHooks(this.run).gradientsReady.promise(gathered);
    await checkFinite(this.run, ready);
    await this.gradientWatch.see(ready);
    await this.weightWatch.begin(ready.gradients);
    const learningRate = this.learningRate(step);
    await this.optimizer.update(ready.gradients, learningRate, step, ready.scale);
    for (const { value } of ready.gradients.values()) value.dispose();
    ready.scale?.dispose();
    return { learningRate, ...(ready.norm === undefined ? {} : { gradNorm: ready.norm }) };
  }

  private learningRate(step: number): number {
    const total = this.run.totalSteps;
    const warmup = warmupIn(this.run.config.train, total);
    return this.peak * this.schedule.value.factor(step, total, warmup, this.schedule.options);
  }
}

/** A norm that is no finite number, seen before it reaches a weight; a tap that measures none is trusted. */
async function checkFinite({ container }: Run, { norm, gradients, step }: GradientsReady): Promise<void> {
  if (norm === undefined) return;
  const [value] = await valuesOf(norm);
  if (Number.isFinite(value)) return;
  const weight = container.has(ModelToken) ? await nonFiniteWeight(container.resolve(ModelToken)) : null;
  if (weight !== null) throw trainingErrors.modelNotFinite({ step, weight });
  const names = [...gradients.keys()];
  const isBad = await Promise.all(
    [...gradients.values()].map(
      async ({ value: gradient }) => firstNonFinite((await gradient.data()) as Float32Array) >= 0,
    ),
  );
  throw trainingErrors.gradientNotFinite({ step, norm: value!, parameters: names.filter((_, at) => isBad[at]) });
}
