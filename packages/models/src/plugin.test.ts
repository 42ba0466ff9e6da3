// SPDX-License-Identifier: Apache-2.0
import { createEngine } from '@llmf/core';
import { ArchitectureToken, ModelLoaderToken } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import models from './index.js';

describe('the models plugin', () => {
  it('provides the loader and five architectures, found by model_type', () => {
    const engine = createEngine();
    engine.use(models());
    expect(engine.container.has(ModelLoaderToken)).toBe(true);
    for (const name of ['llama', 'mistral', 'qwen2', 'qwen3', 'gpt2']) {
      expect(engine.find(ArchitectureToken, name).name).toBe(name);
    }
  });

  it('lists the known types for an unknown one, nearest first', () => {
    const engine = createEngine();
    engine.use(models());
    expect(() => engine.find(ArchitectureToken, 'qwen4')).toThrow(
      /LLMF_CORE_UNKNOWN_NAME[^]*no architecture named "qwen4"[^]*one of qwen2, qwen3/,
    );
  });
});
