// SPDX-License-Identifier: Apache-2.0
import { apiVersion, type Plugin } from '@llmf/core';
import { ArchitectureToken, ModelLoaderToken, WeightFormatToken, WeightLayoutToken } from '@llmf/nn';
import { bert } from './bert.js';
import { bloom } from './bloom.js';
import { falcon } from './falcon.js';
import { gemma2 } from './gemma2.js';
import { gemma3Text } from './gemma3-text.js';
import { gpt2 } from './gpt2.js';
import { gptNeox } from './gpt-neox.js';
import { gptj } from './gptj.js';
import { llama } from './llama.js';
import { createModelLoader } from './loader.js';
import { mistral } from './mistral.js';
import { mixtral } from './mixtral.js';
import { modelOptions } from './model-options.js';
import { modernbert } from './modernbert.js';
import { opt } from './opt.js';
import { phi3 } from './phi3.js';
import { qwen2 } from './qwen2.js';
import { qwen2Moe } from './qwen2-moe.js';
import { qwen3 } from './qwen3.js';
import { qwen3Moe } from './qwen3-moe.js';
import { roberta } from './roberta.js';
import { mt5, t5 } from './t5.js';

/** The architectures that @llmf/models brings. */
export const architectures = [
  llama,
  mistral,
  qwen2,
  qwen3,
  gpt2,
  gptNeox,
  gptj,
  bloom,
  falcon,
  bert,
  roberta,
  modernbert,
  phi3,
  opt,
  gemma2,
  gemma3Text,
  mixtral,
  qwen2Moe,
  qwen3Moe,
  t5,
  mt5,
];

/** Provides the architectures and the loader of model folders. */
export function models(): Plugin {
  return {
    name: 'models',
    section: 'model',
    apiVersion,
    description: `Hugging Face model folders and GGUF files: ${architectures.map(({ name }) => name).join(', ')}`,
    options: modelOptions,
    apply(engine) {
      const find = (modelType: string) => engine.find(ArchitectureToken, modelType);
      for (const architecture of architectures) engine.provide(ArchitectureToken, architecture);
      const forms = {
        formats: () => engine.container.resolveAll(WeightFormatToken),
        layouts: () => engine.container.resolveAll(WeightLayoutToken),
      };
      engine.provide(ModelLoaderToken, createModelLoader({ find, forms }));
    },
  };
}
