// SPDX-License-Identifier: Apache-2.0
import { apiVersion, BackendToken, type Plugin } from '@llmf/core';
import { adapters } from './adapters/index.js';
import { jsBackend } from './backends/js.js';
import { AdapterToken, GeneratorToken, WeightFormatToken } from './contracts/index.js';
import { BatchedGenerator } from './generation/index.js';
import { elementFormats, formatScope } from './weights/index.js';

/** What a model may be trained through, and the plain JS backend. */
export function nn(): Plugin {
  return {
    name: 'nn',
    apiVersion,
    description: 'adapters (lora, freeze, none), weight formats (f32, bf16, f16), backend js',
    apply(engine) {
      engine.slot({
        key: 'adapter',
        token: AdapterToken,
        description: 'What is trained: low-rank updates, some blocks, or (none) every weight.',
        default: 'lora',
      });
      engine.slot({
        key: 'quantization',
        token: WeightFormatToken,
        description:
          'The format that frozen matrices are kept in, whatever precision computes; none: as their file has them.',
        default: 'none',
        none: ['none'],
        shared: formatScope,
      });
      for (const format of elementFormats) engine.provide(WeightFormatToken, format);
      for (const adapter of adapters) engine.provide(AdapterToken, adapter);
      engine.provide(BackendToken, jsBackend);
      engine.provide(GeneratorToken, { open: (model, options) => new BatchedGenerator(model, options) });
    },
  };
}
