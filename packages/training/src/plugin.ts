// SPDX-License-Identifier: Apache-2.0
import { apiVersion, type Plugin } from '@llmf/core';
import { sayWhereLossIsZero } from './checks/loss-is-zero.js';
import { watchPreferences } from './health/preference-health.js';
import { OptimizerToken, ScheduleToken } from './contracts/optimizer.js';
import { ReferenceToken } from './contracts/reference.js';
import { TrainingHooksToken } from './contracts/hooks.js';
import { createTrainingHooks } from './hooks.js';
import { lossSlot } from './loss-slot.js';
import { optimizers } from './optimizers/index.js';
import { writeFinalFiles } from './policy/final-files.js';
import { references } from './references/index.js';
import { schedules } from './schedules/schedules.js';
import { clipByGlobalNorm } from './updater/clipping.js';

/** What every training needs: losses as a choice, references, optimizers, schedules, clipping, the final files. */
export function training(): Plugin {
  return {
    name: 'training',
    apiVersion,
    description: 'losses over rows: references, optimizers, learning-rate schedules, clipping',
    apply(engine) {
      engine.slot(lossSlot);
      engine.slot({
        key: 'reference',
        token: ReferenceToken,
        description: 'The frozen policy that a preference loss compares with.',
        default: 'auto',
        objectName: 'path',
      });
      engine.slot({
        key: 'train.optimizer',
        token: OptimizerToken,
        description: 'How gradients become updates.',
        default: 'adamw',
      });
      engine.slot({
        key: 'train.schedule',
        token: ScheduleToken,
        description: 'How the learning rate goes after warm-up.',
        default: 'cosine',
      });
      for (const reference of references) engine.provide(ReferenceToken, reference);
      for (const schedule of schedules) engine.provide(ScheduleToken, schedule);
      for (const optimizer of optimizers) engine.provide(OptimizerToken, optimizer);
      engine.container.registerFactory(TrainingHooksToken, createTrainingHooks);
      engine.hooks.run.tap('training', (run) => {
        clipByGlobalNorm(run);
        sayWhereLossIsZero(run);
        watchPreferences(run);
        writeFinalFiles(run);
      });
    },
  };
}
