// SPDX-License-Identifier: Apache-2.0
import { apiVersion, type Plugin } from '@llmf/core';
import { ArchitectureToken, type Architecture } from '@llmf/nn';
import { qwen25Vl, qwen2Vl } from './models/qwen2-vl.js';
import { qwen3Vl } from './models/qwen3-vl.js';
import { visionOptions, type VisionOptions } from './options.js';
import { VisionRun } from './vision-run.js';

/** Image inputs: the architectures `qwen2_vl`, `qwen2_5_vl` and `qwen3_vl`, and everything their data needs. */
export function vision(): Plugin {
  return {
    name: 'vision',
    apiVersion,
    description: 'Pictures and films: Qwen2-VL, Qwen2.5-VL and Qwen3-VL, their image processing and preference data.',
    options: visionOptions,
    apply(engine) {
      const language = (name: string) => (): Architecture => engine.find(ArchitectureToken, name);
      engine.provide(ArchitectureToken, qwen2Vl(language('qwen2')));
      engine.provide(ArchitectureToken, qwen25Vl(language('qwen2')));
      engine.provide(ArchitectureToken, qwen3Vl(language('qwen3')));
      engine.hooks.run.tapPromise('vision', async (run) => {
        (await VisionRun.open(run, run.config.sections['vision'] as VisionOptions))?.tap();
      });
    },
  };
}
