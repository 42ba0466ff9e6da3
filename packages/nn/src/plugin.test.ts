// SPDX-License-Identifier: Apache-2.0
import { createEngine } from '@llmf/core';
import { describe, expect, it } from 'vitest';
import plugin, { AdapterToken, OptimizerToken, ReferenceToken, ScheduleToken } from './index.js';

describe('the nn plugin', () => {
  const engine = createEngine();
  plugin().apply(engine);

  it('provides adapters, optimizers, schedules and references by name', () => {
    const names = (token: symbol) => engine.container.resolveAll(token as typeof AdapterToken).map(({ name }) => name);
    expect(names(AdapterToken)).toEqual(['lora', 'freeze', 'none']);
    expect(names(OptimizerToken)).toEqual(['adamw']);
    expect(names(ScheduleToken)).toEqual(['constant', 'linear', 'cosine', 'warmup_stable_decay']);
    expect(names(ReferenceToken)).toContain('auto');
  });

  it('declares the choices of adapter and reference with their defaults', () => {
    const slots = Object.fromEntries(engine.slots.map((slot) => [slot.key, slot.default]));
    expect(slots).toMatchObject({ adapter: 'lora', reference: 'auto' });
  });
});
