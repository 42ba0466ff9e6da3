// SPDX-License-Identifier: Apache-2.0
import { apiVersion, BackendToken, type Plugin } from '@llmf/core';
import { adapters } from './adapters/index.js';
import { jsBackend } from './backends/js.js';
import { clipByGlobalNorm } from './clipping.js';
import { AdapterToken, OptimizerToken, ReferenceToken, ScheduleToken } from './contracts/index.js';
import { adamw } from './optimizers/adamw.js';
import { schedules } from './schedules/schedules.js';
import { references } from './training/index.js';

/** What every training needs of nn: adapters, optimizers, schedules, references, and clipping of the gradient norm. */
export function nn(): Plugin {
  return {
    name: 'nn',
    apiVersion,
    description: 'adapters (lora, freeze, none), AdamW, learning-rate schedules, references, backend js',
    apply(engine) {
      engine.slot({
        key: 'adapter',
        token: AdapterToken,
        description: 'What is trained: low-rank updates, some blocks, or (none) every weight.',
        default: 'lora',
      });
      engine.slot({
        key: 'reference',
        token: ReferenceToken,
        description: 'The frozen policy that a preference loss compares with.',
        default: 'auto',
        objectName: 'path',
      });
      for (const adapter of adapters) engine.provide(AdapterToken, adapter);
      for (const reference of references) engine.provide(ReferenceToken, reference);
      for (const schedule of schedules) engine.provide(ScheduleToken, schedule);
      engine.provide(OptimizerToken, adamw);
      engine.provide(BackendToken, jsBackend);
      engine.hooks.run.tap('nn', clipByGlobalNorm);
    },
  };
}
