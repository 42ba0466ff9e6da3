// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { checkedConfig } from './model-config.js';

describe('counts of a config', () => {
  it.each([
    [{ num_hidden_layers: 1e6 }, 'num_hidden_layers', 10_000],
    [{ n_layer: 1e8 }, 'n_layer', 10_000],
    [{ vision_config: { depth: 10_001 } }, 'vision_config.depth', 10_000],
    [{ text_config: { num_experts: 1e9 } }, 'text_config.num_experts', 100_000],
    [{ num_hidden_layers: Infinity }, 'num_hidden_layers', 10_000],
  ])('%j is refused', (more, key, limit) => {
    expect(() => checkedConfig('config.json', { model_type: 'llama', ...more })).toThrow(
      expect.objectContaining({
        code: 'LLMF_MODELS_CONFIG_COUNT',
        detail: expect.objectContaining({ where: `config.json, ${key}`, expected: `at most ${limit}` }),
      }),
    );
  });

  it('of models that there are pass', () => {
    const config = { model_type: 'x', num_hidden_layers: 126, n_routed_experts: 384, max_window_layers: 28 };
    expect(checkedConfig('config.json', config)).toBe(config);
  });
});
