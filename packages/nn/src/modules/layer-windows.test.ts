// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { layerWindows } from './layer-windows.js';

const config = { num_hidden_layers: 3, use_sliding_window: true, sliding_window: 5, max_window_layers: 1 };

describe('layerWindows', () => {
  it('gives a window to the layers from max_window_layers on', () => {
    expect(layerWindows('qwen2', config)).toEqual([0, 5, 5]);
    expect(layerWindows('qwen2', { ...config, max_window_layers: 28 })).toEqual([0, 0, 0]);
  });

  it('gives none unless use_sliding_window says so', () => {
    expect(layerWindows('qwen2', { ...config, use_sliding_window: false })).toEqual([0, 0, 0]);
    expect(layerWindows('qwen2', { ...config, sliding_window: null })).toEqual([0, 0, 0]);
  });

  it('follows layer_types where they are there', () => {
    const types = ['sliding_attention', 'full_attention', 'sliding_attention'];
    expect(layerWindows('qwen2', { ...config, layer_types: types })).toEqual([5, 0, 5]);
  });

  it('refuses other types and a wrong number of them', () => {
    const wrong = { ...config, layer_types: ['full_attention', 'linear_attention', 'full_attention'] };
    expect(() => layerWindows('qwen2', wrong)).toThrow(/LLMF_NN_UNSUPPORTED[^]*layer_types\.1[^]*linear_attention/);
    expect(() => layerWindows('qwen2', { ...config, layer_types: [] })).toThrow(/LLMF_NN_CONFIG_VALUE[^]*0 entries/);
  });
});
