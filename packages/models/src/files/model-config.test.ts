// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { checkedConfig, configText } from './model-config.js';

describe('the text of a config', () => {
  it('keeps what was written as 1.0 a float, and whole numbers whole', () => {
    const source = '{"a": 0.0, "b": 2, "rope": {"factor": 8.0,"c": 1e-6}, "quoted": "\\"b\\": 3.0", "list": [1.0]}';
    const text = configText(JSON.parse(source) as object, source);
    expect(text).toContain('"a": 0.0,\n  "b": 2,');
    expect(text).toContain('"factor": 8.0,\n    "c": 0.000001');
    expect(JSON.parse(text)).toEqual(JSON.parse(source));
    expect(configText(JSON.parse(source) as object, '')).toContain('"a": 0,');
  });
});

describe('a config', () => {
  it('of more experts in all than any model has is refused before their table is made', () => {
    const config = { model_type: 'mixtral', num_hidden_layers: 1000, num_local_experts: 1000 };
    expect(() => checkedConfig('config.json', config)).toThrow(/LLMF_MODELS_CONFIG_COUNT[^]*layers × experts/);
    expect(checkedConfig('config.json', { ...config, num_hidden_layers: 61, num_local_experts: 384 })).toBeDefined();
  });
});
