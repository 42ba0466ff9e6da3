// SPDX-License-Identifier: Apache-2.0
import { createTrainingHooks } from '../hooks.js';
import '@tensorflow/tfjs-backend-wasm';
import { readFileSync } from 'node:fs';
import { type Gradient, type GradientsReady, trainingHooks } from '../contracts/hooks.js';
import type { Run } from '@llmf/core';
import type { Variable } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import { clipByGlobalNorm } from '../updater/clipping.js';
import { GradientAccumulator } from '../updater/gradient-accumulator.js';
import { parameterSettings } from '../updater/parameter-groups.js';
import { tf } from '@llmf/nn';
import { adamw } from './adamw.js';

type Values = Record<'matrix' | 'vector', number[] | number[][]>;
const oracle = JSON.parse(readFileSync(new URL('../../fixtures/adamw.json', import.meta.url), 'utf8')) as {
  start: Values;
  maxNorm: number;
  weightDecay: number;
  steps: ({ learningRate: number; gradients: Values; norm: number } & Values)[];
};
const options = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8 };
const names = ['matrix', 'vector'] as const;

function variables(values: Values): Map<string, Variable> {
  return new Map(
    names.map((name) => {
      const tensor = tf.tensor(values[name]);
      const variable = tf.variable(tensor);
      tensor.dispose();
      return [name, variable];
    }),
  );
}

const gradientsOf = (of: ReadonlyMap<string, Variable>, values: Values): Map<string, Gradient> =>
  new Map(
    names.map((name) => {
      const variable = of.get(name)!;
      const weightDecay = variable.rank >= 2 ? oracle.weightDecay : 0;
      return [name, { variable, value: tf.tensor(values[name]), rate: 1, weightDecay }];
    }),
  );

/** As much of a run as clipping looks at. */
function fakeRun(maxGradNorm: number | null): Run {
  const hooks = createTrainingHooks();
  return { config: { train: { maxGradNorm } }, container: { resolve: () => hooks } } as unknown as Run;
}

function disposeAll({ gradients, norm, scale }: GradientsReady): void {
  tf.dispose([...gradients.values()].map(({ value }) => value));
  norm?.dispose();
  scale?.dispose();
}

describe.each(['cpu', 'wasm'])('AdamW with clipping on %s', (backend) => {
  it('follows torch for ten steps, to 2e-6', async () => {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    const trained = variables(oracle.start);
    const optimizer = adamw.create(trained, options);
    const run = fakeRun(oracle.maxNorm);
    clipByGlobalNorm(run);
    for (const [index, step] of oracle.steps.entries()) {
      const gathered = { step: index + 1, gradients: gradientsOf(trained, step.gradients) };
      const ready = await trainingHooks(run).gradientsReady.promise(gathered);
      expect(ready.norm!.dataSync()[0]).toBeCloseTo(step.norm, 4);
      optimizer.update(ready.gradients, step.learningRate, ready.step, ready.scale);
      disposeAll(ready);
      for (const name of names) {
        const got = trained.get(name)!.dataSync();
        for (const [i, want] of step[name].flat().entries()) expect(Math.abs(got[i]! - want)).toBeLessThan(2e-6);
      }
    }
    optimizer.dispose();
    for (const variable of trained.values()) variable.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('AdamW', () => {
  it('continues from its saved state to the same bits', async () => {
    await tf.setBackend('cpu');
    const run = async (resumeAfter: number | null) => {
      let trained = variables(oracle.start);
      let optimizer = adamw.create(trained, options);
      for (const [index, step] of oracle.steps.entries()) {
        const gradients = gradientsOf(trained, step.gradients);
        optimizer.update(gradients, step.learningRate, index + 1);
        for (const { value } of gradients.values()) value.dispose();
        if (index + 1 !== resumeAfter) continue;
        const state = await optimizer.save();
        const weights = Object.fromEntries(
          names.map((name) => [name, trained.get(name)!.arraySync()]),
        ) as unknown as Values;
        optimizer.dispose();
        trained = variables(weights);
        optimizer = adamw.create(trained, options);
        await optimizer.load(state);
      }
      return names.map((name) => [...trained.get(name)!.dataSync()]);
    };
    expect(await run(4)).toEqual(await run(null));
  });

  it('saves both moments under the names of its parameters', async () => {
    const trained = variables(oracle.start);
    const optimizer = adamw.create(trained, options);
    const { json, tensors } = await optimizer.save();
    expect(json).toEqual({ updates: 0 });
    expect(Object.keys(tensors!)).toEqual(['matrix/m', 'matrix/v', 'vector/m', 'vector/v']);
    optimizer.dispose();
  });

  it('leaves a parameter without gradient alone', () => {
    const trained = variables(oracle.start);
    const optimizer = adamw.create(trained, options);
    const before = [...trained.get('matrix')!.dataSync()];
    const vector = { variable: trained.get('vector')!, value: tf.tensor([1, 1, 1, 1]), rate: 1, weightDecay: 0 };
    optimizer.update(new Map([['vector', vector]]), 0.1, 1);
    expect([...trained.get('matrix')!.dataSync()]).toEqual(before);
    optimizer.dispose();
  });

  it.each([{ beta1: 1 }, { beta2: -0.1 }, { epsilon: 0 }, { beta: 0.9 }])('refuses the options %j', (wrong) => {
    expect(adamw.options!.safeParse(wrong).success).toBe(false);
  });
});

describe('clipping by global norm', () => {
  const clipped = async (maxGradNorm: number | null, values: Values) => {
    const run = fakeRun(maxGradNorm);
    clipByGlobalNorm(run);
    const gathered = { step: 1, gradients: gradientsOf(variables(oracle.start), values) };
    const ready = await trainingHooks(run).gradientsReady.promise(gathered);
    const result = { norm: ready.norm?.dataSync()[0], scale: ready.scale?.dataSync()[0] };
    disposeAll(ready);
    return result;
  };
  // √(3² + 4²) = 5
  const five: Values = { matrix: [[3, 0, 0, 0]], vector: [0, 4, 0, 0] };

  it('scales down what is too long, and nothing else', async () => {
    expect((await clipped(1, five)).scale).toBeCloseTo(1 / (5 + 1e-6), 7);
    expect((await clipped(10, five)).scale).toBe(1);
  });
  it('reports the norm even when nothing is clipped', async () => {
    expect(await clipped(null, five)).toEqual({ norm: 5, scale: undefined });
  });
});

describe('GradientAccumulator', () => {
  it('sums what the sink gets, by parameter, in parameter order, and forgets it when taken', () => {
    const trained = variables(oracle.start);
    const accumulator = new GradientAccumulator(trained, parameterSettings(trained, { groups: [], weightDecay: 0 }));
    const before = tf.memory().numTensors;
    accumulator.sink(trained.get('vector')!, tf.tensor([1, 2, 3, 4]));
    accumulator.sink(trained.get('matrix')!, tf.ones([3, 4]));
    accumulator.sink(trained.get('vector')!, tf.tensor([10, 20, 30, 40]));
    const sums = accumulator.take();
    expect([...sums.keys()]).toEqual(['matrix', 'vector']);
    expect([...sums.get('vector')!.value.dataSync()]).toEqual([11, 22, 33, 44]);
    expect(accumulator.take().size).toBe(0);
    for (const { value } of sums.values()) value.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('names no parameter that no microbatch reached, and frees what was not taken', () => {
    const trained = variables(oracle.start);
    const accumulator = new GradientAccumulator(trained, parameterSettings(trained, { groups: [], weightDecay: 0 }));
    const before = tf.memory().numTensors;
    accumulator.sink(trained.get('vector')!, tf.tensor([1, 2, 3, 4]));
    accumulator.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(accumulator.take().size).toBe(0);
  });
});
