// SPDX-License-Identifier: Apache-2.0
export { models as default, architectures } from './plugin.js';
export { modelOptions, type ModelOptions } from './model-options.js';
export { bloom, bloomConfig } from './bloom.js';
export { falcon, falconConfig } from './falcon.js';
export { gpt2, gpt2Config } from './gpt2.js';
export { gptNeox, gptNeoxConfig } from './gpt-neox.js';
export { gptj, gptjConfig } from './gptj.js';
export { llama, llamaConfig } from './llama.js';
export { mistral, mistralConfig } from './mistral.js';
export { qwen2, qwen2Config } from './qwen2.js';
export { qwen3, qwen3Config } from './qwen3.js';
export { createModelLoader, type LoaderSettings } from './loader.js';
export { overlayCompanions } from './files/companion-files.js';
export { noRepeatedRun } from './generation/bans.js';
export { readGenerationDefaults, type GenerationDefaults } from './generation/generation-config.js';
export { initModel, type InitReport, type InitRequest } from './init/init-model.js';
export { parameterCount, weightMemory, type WeightMemory } from './memory.js';
