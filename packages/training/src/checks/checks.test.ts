// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import { tf, type Variable } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import type { Gradient, GradientsReady } from '../contracts/hooks.js';
import { GradientWatch } from './gradient-watch.js';
import { sayWhereLossIsZero } from './loss-is-zero.js';
import { WeightWatch } from './weight-watch.js';

/** As much of a run as the checks look at. */
function openRun(totalSteps = 9) {
  const warnings: string[] = [];
  const taps: Record<string, (value: never) => unknown> = {};
  const hook = (name: string) => {
    const tap = (_: unknown, run: (value: never) => unknown) => void (taps[name] = run);
    return { tap, tapPromise: tap };
  };
  const run = {
    totalSteps,
    logger: { warn: (line: string) => warnings.push(line) },
    hooks: { end: hook('end'), log: hook('log') },
  } as unknown as Run;
  const fire = (name: string, value: object) => taps[name]!(value as never);
  return { run, warnings, fire };
}

const ready = (step: number, values: Readonly<Record<string, readonly number[]>>): GradientsReady => ({
  step,
  gradients: new Map(
    Object.entries(values).map(([name, list]) => [name, { value: tf.tensor1d([...list]) } as unknown as Gradient]),
  ),
});

describe('gradients arrive', () => {
  it('is silent where every weight gets one within three updates', async () => {
    const { run, warnings } = openRun();
    const watch = new GradientWatch(run, ['a', 'b']);
    await watch.see(ready(1, { a: [0, 0], b: [0, 1] })); // as a fresh LoRA's A and B
    await watch.see(ready(2, { a: [0, 1e-30], b: [0, 1] }));
    for (const step of [3, 4, 5]) await watch.see(ready(step, { a: [0, 0], b: [0, 0] }));
    expect(warnings).toEqual([]);
  });

  it('warns once of those that get none, zero or absent', async () => {
    const { run, warnings } = openRun();
    const watch = new GradientWatch(run, ['a', 'tower.x', 'tower.y']);
    for (const step of [1, 2, 3, 4, 5, 6]) await watch.see(ready(step, { a: [1], 'tower.x': [0, -0] }));
    expect(warnings).toEqual(['no gradient in the first 3 updates, so not trained by these rows: tower.x, tower.y']);
  });

  it('takes a zero of one update alone for nothing; a weight that no gradient reached is told', async () => {
    const { run, warnings } = openRun(1);
    await new GradientWatch(run, ['a', 'b', 'tower']).see(ready(1, { a: [0, 0], b: [0, 1] })); // a fresh LoRA’s A and B
    expect(warnings).toEqual(['no gradient in the only update, so not trained by these rows: tower']);
    warnings.length = 0;
    await new GradientWatch(run, ['a', 'b']).see(ready(1, { a: [0, 0], b: [0, 1] }));
    expect(warnings).toEqual([]);
  });

  it('refuses where none gets any, also in a run that is shorter', async () => {
    for (const totalSteps of [1, 9]) {
      const watch = new GradientWatch(openRun(totalSteps).run, ['a', 'b']);
      const updates = async () => {
        for (const step of [1, 2, 3]) await watch.see(ready(step, { a: [0] }));
      };
      await expect(updates()).rejects.toThrow(/LLMF_TRAINING_NO_GRADIENT[^]*at: a, b/);
    }
  });
});

describe('weights move', () => {
  const variables = () => new Map(['a', 'b'].map((name) => [name, tf.variable(tf.tensor1d([1, 2, 3])) as Variable]));
  const nudge = (variable: Variable) => variable.assign(tf.tensor1d([1, 2, Math.fround(3 + 2 ** -22)]));

  it('is silent where all did, by a single bit', async () => {
    const { run, warnings, fire } = openRun();
    const weights = variables();
    await new WeightWatch(run, weights).begin(new Map());
    for (const variable of weights.values()) nudge(variable);
    await fire('end', { reason: 'finished' });
    expect(warnings).toEqual([]);
  });

  it.each([
    [2 ** 18 + 5, []],
    [0, ['trained, but as before the first update: large']],
  ])('looks at a large weight where its first gradient is not zero: moved at %d', async (moved, expected) => {
    const { run, warnings, fire } = openRun();
    const gradient = new Float32Array(2 ** 20 + 1);
    gradient[2 ** 18 + 9] = 1; // in the second piece
    const large = tf.variable(tf.zeros([gradient.length])) as Variable;
    const weights = new Map([...variables(), ['large', large]]);
    const gradients = new Map([['large', { value: tf.tensor1d(gradient) } as unknown as Gradient]]);
    await new WeightWatch(run, weights).begin(gradients);
    for (const name of ['a', 'b']) nudge(weights.get(name)!);
    const values = new Float32Array(gradient.length);
    values[moved] = 1;
    large.assign(tf.tensor1d(values));
    await fire('end', { reason: 'finished' });
    expect(warnings).toEqual(expected);
  });

  it('warns of those that did not, and refuses where none did', async () => {
    const { run, warnings, fire } = openRun();
    const weights = variables();
    const watch = new WeightWatch(run, weights);
    await watch.begin(new Map());
    await expect(fire('end', { reason: 'finished' })).rejects.toThrow(
      /LLMF_TRAINING_NOTHING_MOVED[^]*at: a, b\n {2}got: the same bits/,
    );
    nudge(weights.get('a')!);
    await watch.begin(new Map()); // a later update: what counts is before the first
    await fire('end', { reason: 'finished' });
    expect(warnings).toEqual(['trained, but as before the first update: b']);
  });

  it('says nothing of a weight that a single update left because its gradient was zero', async () => {
    const { run, warnings, fire } = openRun(1);
    const weights = variables();
    await new WeightWatch(run, weights, { untold: ['b'] }).begin(new Map());
    nudge(weights.get('a')!);
    await fire('end', { reason: 'finished' });
    expect(warnings).toEqual([]);
  });

  it('says nothing of a run that was interrupted or had no update left', async () => {
    const { run, warnings, fire } = openRun();
    const watch = new WeightWatch(run, variables());
    await fire('end', { reason: 'finished' });
    await watch.begin(new Map());
    await fire('end', { reason: 'interrupted' });
    expect(warnings).toEqual([]);
  });
});

describe('a loss of exactly 0', () => {
  it('is said once', () => {
    const { run, warnings, fire } = openRun();
    sayWhereLossIsZero(run);
    for (const row of [
      { step: 1, loss: 0.5 },
      { step: 2, eval_loss: 0 },
      { step: 3, loss: 0 },
      { step: 4, loss: 0 },
    ])
      fire('log', row);
    expect(warnings).toEqual([expect.stringContaining('the loss of step 3 is exactly 0')]);
  });
});
