// SPDX-License-Identifier: Apache-2.0
import { createEngine } from '@llmf/core';
import { describe, expect, it } from 'vitest';
import plugin, { AdapterToken } from './index.js';

describe('the nn plugin', () => {
  const engine = createEngine();
  plugin().apply(engine);

  it('provides adapters by name', () => {
    expect(engine.container.resolveAll(AdapterToken).map(({ name }) => name)).toEqual(['lora', 'freeze', 'none']);
  });

  it('declares the choice of the adapter with its default', () => {
    expect(engine.slots.find(({ key }) => key === 'adapter')).toMatchObject({ default: 'lora' });
  });
});
