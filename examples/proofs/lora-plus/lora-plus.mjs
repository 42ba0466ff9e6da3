// SPDX-License-Identifier: Apache-2.0
// LoRA+: Hayou et al., "LoRA+: efficient low rank adaptation of large models", 2024 (arXiv:2402.12354): the rate of B is λ
// times that of A, here by handing on gradients with a rate of their own.
import { apiVersion, z } from '@llmf/core';
import { trainingHooks } from '@llmf/training';

const options = z.strictObject({
  ratio: z.number().positive().default(16).describe('λ: rate of B over the rate of A (paper: 16).'),
});

export default function loraPlus() {
  return {
    name: 'lora-plus',
    apiVersion,
    description: 'LoRA+: B learns faster than A',
    options,
    apply(engine) {
      engine.hooks.run.tap('lora-plus', (run) => {
        const { ratio } = run.config.sections.loraPlus;
        trainingHooks(run).gradientsReady.tap('lora-plus', (ready) => {
          const rated = [...ready.gradients].map(([name, gradient]) => [
            name,
            name.endsWith('.lora_B.weight') ? { ...gradient, rate: gradient.rate * ratio } : gradient,
          ]);
          return { ...ready, gradients: new Map(rated) };
        });
      });
    },
  };
}
