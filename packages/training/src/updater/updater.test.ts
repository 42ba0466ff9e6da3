// SPDX-License-Identifier: Apache-2.0
import { createContainer, findNamed, type Run, type Stateful } from '@llmf/core';
import { tf, type Scalar } from '@llmf/nn';
import { afterEach, describe, expect, it } from 'vitest';
import { TrainingHooksToken } from '../contracts/hooks.js';
import { OptimizerToken, ScheduleToken } from '../contracts/optimizer.js';
import { createTrainingHooks } from '../hooks.js';
import { adamw } from '../optimizers/adamw.js';
import { schedules } from '../schedules/schedules.js';
import { clipByGlobalNorm } from './clipping.js';
import { Updater } from './updater.js';

/** As much of a run as an updater looks at: ten steps, two of them warm-up, at a constant rate of 0.1. */
function openRun(maxGradNorm: number | null): Run {
  const container = createContainer();
  container.register(OptimizerToken, adamw);
  for (const schedule of schedules) container.register(ScheduleToken, schedule);
  container.register(TrainingHooksToken, createTrainingHooks());
  const choice = (name: string, options: object) => [{ name, options, weight: 1 }];
  const states = new Map<string, Stateful>();
  const run = {
    config: {
      train: { warmupRatio: 0, warmupSteps: 2, weightDecay: 0, groups: [], maxGradNorm },
      choices: {
        'train.optimizer': choice('adamw', { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
        'train.schedule': choice('constant', {}),
      },
    },
    container,
    hooks: { started: { tap: () => {} }, shutdown: { tap: () => {} }, end: { tapPromise: () => {} } },
    state: { add: (name: string, part: Stateful) => states.set(name, part) },
    totalSteps: 10,
  } as unknown as Run;
  expect(findNamed(container, OptimizerToken, 'adamw', '')).toBe(adamw);
  clipByGlobalNorm(run);
  return run;
}

const weight = tf.variable(tf.tensor1d([1, 2]));
const scaled = (factor: number) => () => tf.sum(tf.mul(weight, factor)) as Scalar;
afterEach(() => weight.assign(tf.tensor1d([1, 2])));

describe('an updater', () => {
  it('adds up any number of losses before an update', async () => {
    const updater = new Updater(openRun(null), new Map([['weight', weight]]), 0.1);
    updater.accumulate(scaled(3));
    updater.accumulate(scaled(4));
    const { gradNorm } = await updater.update(1);
    expect(gradNorm!.dataSync()[0]).toBeCloseTo(Math.hypot(7, 7), 5);
  });

  it('may update several times in one step, at that step’s rate', async () => {
    const updater = new Updater(openRun(null), new Map([['weight', weight]]), 0.1);
    const rates: number[] = [];
    for (const step of [1, 1, 2]) {
      updater.accumulate(scaled(1));
      rates.push((await updater.update(step)).learningRate);
    }
    expect(rates).toEqual([0.05, 0.05, 0.1]); // warm-up: a half, then whole
    // AdamW's updates under a constant gradient are the rate each: 1 − 0.05 − 0.05 − 0.1
    expect(weight.dataSync()[0]).toBeCloseTo(0.8, 5);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses a gradient of %d before it reaches a weight',
    async (bad) => {
      const updater = new Updater(openRun(1), new Map([['layer.weight', weight]]), 0.1);
      updater.accumulate(scaled(1));
      updater.accumulate(scaled(bad));
      await expect(updater.update(3)).rejects.toThrow(
        /LLMF_TRAINING_GRADIENT_NOT_FINITE: the gradient of step 3[^]*layer\.weight/,
      );
      expect([...weight.dataSync()]).toEqual([1, 2]);
    },
  );
});
