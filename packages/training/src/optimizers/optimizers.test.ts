// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { tf, type Variable } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import type { Gradient } from '../contracts/hooks.js';
import { optimizers } from './index.js';

const names = ['matrix', 'vector'] as const;
type Values = Record<(typeof names)[number], number[] | number[][]>;
interface Case {
  readonly optimizer: string;
  readonly options: Record<string, unknown>;
  readonly values: Values[];
}
/** oracles/training/optimizers.py: torch 2.13, Transformers 5.18. */
const oracle = JSON.parse(readFileSync(new URL('../../fixtures/optimizers.json', import.meta.url), 'utf8')) as {
  readonly weightDecay: number;
  readonly start: Values;
  readonly rates: number[];
  readonly gradients: Values[];
  readonly steps: number[];
  readonly cases: Record<string, Case>;
};
const find = (name: string) => optimizers.find((each) => each.name === name)!;
const parsed = ({ optimizer, options }: Pick<Case, 'optimizer' | 'options'>) => {
  const result = find(optimizer).options!.safeParse(options);
  if (!result.success) throw new Error(result.error.issues[0]!.message);
  return result.data as Record<string, unknown>;
};
const fresh = () => new Map<string, Variable>(names.map((name) => [name, tf.variable(tf.tensor(oracle.start[name]))]));
const gradientsAt = (variables: ReadonlyMap<string, Variable>, step: number, rate = 1): Map<string, Gradient> =>
  new Map(
    names.map((name) => {
      const variable = variables.get(name)!;
      const weightDecay = variable.rank >= 2 ? oracle.weightDecay : 0;
      return [name, { variable, value: tf.tensor(oracle.gradients[step - 1]![name]), rate, weightDecay }];
    }),
  );

describe.each(Object.entries(oracle.cases))('%s', (_title, one) => {
  it('follows the reference for 50 steps, to 1e-6 of each value', async () => {
    const variables = fresh();
    const state = find(one.optimizer).create(variables, parsed(one));
    for (const [at, rate] of oracle.rates.entries()) {
      state.update(gradientsAt(variables, at + 1), rate, at + 1);
      const place = oracle.steps.indexOf(at + 1);
      if (place === -1) continue;
      for (const name of names) {
        const got = variables.get(name)!.dataSync();
        for (const [i, want] of one.values[place]![name].flat().entries()) {
          expect(Math.abs(got[i]! - want), `${name}[${i}] at step ${at + 1}`).toBeLessThan(
            1e-6 * Math.max(1, Math.abs(want)),
          );
        }
      }
    }
    state.dispose();
  });

  it('goes on from its saved state to the same bits', async () => {
    const run = async (resumeAfter: number | null) => {
      const variables = fresh();
      let state = find(one.optimizer).create(variables, parsed(one));
      for (const [at, rate] of oracle.rates.slice(0, 12).entries()) {
        state.update(gradientsAt(variables, at + 1), rate, at + 1);
        if (at + 1 !== resumeAfter) continue;
        const saved = await state.save();
        for (const { name, data } of (await state.stream?.())?.tensors ?? []) {
          expect([...(await data())], name).toEqual([...saved.tensors![name]!.data]);
        }
        state.dispose();
        state = find(one.optimizer).create(variables, parsed(one));
        await state.load(saved);
      }
      state.dispose();
      return names.map((name) => [...variables.get(name)!.dataSync()]);
    };
    expect(await run(7)).toEqual(await run(null));
  });
});

describe('every optimizer', () => {
  it.each(optimizers.map((each) => [each.name]))('%s applies a rate of a gradient’s own', (name) => {
    const moved = (rate: number, learningRate: number) => {
      const variables = fresh();
      const state = find(name).create(variables, parsed({ optimizer: name, options: {} }));
      state.update(gradientsAt(variables, 1, rate), learningRate, 1);
      state.dispose();
      return names.map((each) => [...variables.get(each)!.dataSync()]);
    };
    expect(moved(4, 0.01)).toEqual(moved(1, 0.04));
  });

  it.each(optimizers.map((each) => [each.name]))(
    '%s multiplies gradients by the scale of clipping, and keeps no tensor',
    (name) => {
      const variables = fresh();
      const before = tf.memory().numTensors;
      const state = find(name).create(variables, parsed({ optimizer: name, options: {} }));
      const gradients = gradientsAt(variables, 1);
      const scale = tf.scalar(0.5);
      state.update(gradients, 0.01, 1, scale);
      tf.dispose([scale, ...[...gradients.values()].map(({ value }) => value)]);
      state.dispose();
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it('says what it remembers per weight', () => {
    const bytes = (name: string, options = {}) =>
      find(name).bytesPerWeight(parsed({ optimizer: name, options }) as never);
    expect([bytes('adamw'), bytes('lion'), bytes('sgd'), bytes('sgd', { momentum: 0.9 })]).toEqual([8, 4, 0, 4]);
    expect(bytes('adafactor')).toBeLessThan(0.1);
  });

  it('refuses Nesterov without momentum', () => {
    expect(() => parsed({ optimizer: 'sgd', options: { nesterov: true } })).toThrow('momentum above 0');
  });
});
