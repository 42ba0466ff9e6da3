// SPDX-License-Identifier: Apache-2.0
import { createEngine, type Named, type Token } from '@llmf/core';
import { describe, expect, it } from 'vitest';
import plugin, { OptimizerToken, ReferenceToken, ScheduleToken, trainingHooks } from './index.js';

describe('the training plugin', () => {
  const engine = createEngine();
  plugin().apply(engine);

  it('provides optimizers, schedules and references by name', () => {
    const names = <T extends Named>(token: Token<T>) => engine.container.resolveAll(token).map(({ name }) => name);
    expect(names(OptimizerToken)).toEqual(['adamw', 'adamw8bit', 'sgd', 'lion', 'lion8bit', 'adafactor']);
    expect(names(ScheduleToken)).toEqual([
      'constant',
      'linear',
      'cosine',
      'cosineWithMinimum',
      'inverseSqrt',
      'polynomial',
      'warmup_stable_decay',
    ]);
    expect(names(ReferenceToken)).toContain('auto');
  });

  it('declares the choices of loss and reference with their defaults', () => {
    const slots = Object.fromEntries(engine.slots.map((slot) => [slot.key, slot.default]));
    expect(slots).toMatchObject({ loss: null, reference: 'auto' });
  });

  it('makes the hooks anew for each run', () => {
    const [one, two] = [engine.container.createChild(), engine.container.createChild()];
    expect(trainingHooks({ container: one })).toBe(trainingHooks({ container: one }));
    expect(trainingHooks({ container: one })).not.toBe(trainingHooks({ container: two }));
  });
});
