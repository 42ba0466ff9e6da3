// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { architectureErrors } from './architecture-errors.js';

/** The keys of config.json by which Qwen2 and Qwen3 say which layers have a sliding window. */
export const windowKeys = {
  use_sliding_window: z.boolean().default(false),
  sliding_window: z.int().min(1).nullable().default(4096),
  /** Layers before this one see everything; read where `layer_types` is absent. */
  max_window_layers: z.int().min(0).default(28),
  layer_types: z.array(z.string()).nullish(),
};

interface WindowConfig extends LayerTypes {
  readonly use_sliding_window: boolean;
  readonly sliding_window: number | null;
  readonly max_window_layers: number;
}

interface LayerTypes {
  readonly num_hidden_layers: number;
  readonly layer_types?: readonly string[] | null | undefined;
}

/** The window of each layer, 0 for none, as Transformers 5.18 decides (Qwen2Config.__post_init__). @throws LLMF_NN_… */
export function layerWindows(modelType: string, config: WindowConfig): number[] {
  const window = config.use_sliding_window ? (config.sliding_window ?? 0) : 0;
  return windowsByType(modelType, config, window, (layer) => layer >= config.max_window_layers);
}

/** The same where `layer_types`, or without them `isSliding`, says which layers have the window. @throws LLMF_NN_… */
export function windowsByType(
  modelType: string,
  { num_hidden_layers: layers, layer_types: types }: LayerTypes,
  window: number,
  isSliding: (layer: number) => boolean,
): number[] {
  if (types === null || types === undefined)
    return Array.from({ length: layers }, (_, layer) => (isSliding(layer) ? window : 0));
  if (types.length !== layers) {
    const facts = { got: `${types.length} entries`, expected: `${layers}, one per layer` };
    throw architectureErrors.configValue({ modelType, key: 'layer_types', ...facts });
  }
  return types.map((type, layer) => {
    if (type === 'full_attention') return 0;
    if (type === 'sliding_attention') return window;
    const facts = { got: JSON.stringify(type), expected: 'full_attention or sliding_attention' };
    throw architectureErrors.unsupported({ modelType, key: `layer_types.${layer}`, ...facts });
  });
}
