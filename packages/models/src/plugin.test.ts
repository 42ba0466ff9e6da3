// SPDX-License-Identifier: Apache-2.0
import { createEngine, resolveConfig, TrainingRun, wholeSource } from '@llmf/core';
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

  it('warns once of what the config asks for and llmf leaves out', async () => {
    const engine = createEngine();
    engine.use(models());
    const raw = { model: { path: '.' } };
    const config = await resolveConfig(engine, raw, { source: wholeSource('test'), named: [], uses: ['model'] });
    const warnings: string[] = [];
    const logger = { info: () => {}, warn: (line: string) => warnings.push(line) };
    const run = new TrainingRun(config, engine.container.createChild(), '/nowhere', '/nowhere', logger);
    await engine.hooks.run.promise(run);
    const loaded = { modelType: 'gpt2', config: { vocab_size: 8, n_embd: 8, n_layer: 1, n_head: 1, resid_pdrop: 0.1 } };
    expect(await run.hooks.modelLoaded.promise(loaded)).toBe(loaded);
    expect(warnings).toEqual(['model: dropout inside the base model is not applied (resid_pdrop)']);
  });
});
