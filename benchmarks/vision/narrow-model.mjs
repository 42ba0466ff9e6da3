// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiVersion } from '@llmf/core';
import lossDpo from '@llmf/loss-dpo';
import { initModel, qwen2 } from '@llmf/models';
import { trainingHooks } from '@llmf/training';
import { qwen2Vl, vision } from '@llmf/vision';
import { train } from 'llmf';

/** Qwen2-VL-2B at about a tenth of its width, all its layers and its vocabulary; random weights. */
const config = {
  model_type: 'qwen2_vl',
  vocab_size: 151936,
  hidden_size: 144,
  intermediate_size: 896,
  num_hidden_layers: 28,
  num_attention_heads: 12,
  num_key_value_heads: 2,
  max_position_embeddings: 32768,
  rms_norm_eps: 1e-6,
  tie_word_embeddings: true,
  rope_theta: 1e6,
  rope_scaling: { type: 'mrope', mrope_section: [2, 2, 2] },
  vision_config: { depth: 32, embed_dim: 128, hidden_size: 144, mlp_ratio: 4, num_heads: 16 },
};

export const narrowQwen2Vl = (folder, tokenizerFolder) =>
  initModel(folder, { config, tokenizerFolder, seed: 1, find: () => qwen2Vl(() => qwen2) });

/**
 * A run whose tower works `towerRuns` times where it would once. Seconds, pictures through the tower and packed tokens are
 * counted from the second step on; the first one warms up.
 */
export async function trainTimed(folder, output, choices, { towerRuns }) {
  const counts = { towerMedia: 0, tokens: 0 };
  let started = 0;
  let ended = 0;
  let cpuStart;
  let processor;
  const stopwatch = {
    name: 'stopwatch',
    apiVersion,
    description: 'counts and times',
    apply: (engine) =>
      engine.hooks.run.tap('stopwatch', (run) => {
        const { hooks } = run;
        const training = trainingHooks(run);
        training.modelLoaded.tap({ name: 'stopwatch', stage: 10 }, (model) => repeatTower(model, towerRuns, counts));
        training.batchCollated.tap({ name: 'stopwatch', stage: 10 }, (batch) => {
          counts.tokens += batch.ids.length;
          return batch;
        });
        hooks.stepDone.tap('stopwatch', ({ step }) => {
          ended = performance.now();
          processor = process.cpuUsage(cpuStart);
          if (step > 1) return;
          started = ended;
          cpuStart = process.cpuUsage();
          counts.towerMedia = 0;
          counts.tokens = 0;
        });
      }),
  };
  const logger = { info: () => {}, warn: () => {} };
  await train({ plugins: [vision(), lossDpo(), stopwatch], ...choices, output }, { folder, logger });
  const rows = readFileSync(join(folder, output, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n');
  const losses = rows.map((row) => JSON.parse(row).loss).filter((loss) => loss !== undefined);
  const cpuSeconds = (processor.user + processor.system) / 1e6;
  return { seconds: (ended - started) / 1000, cpuSeconds, losses, ...counts };
}

function repeatTower(model, runs, counts) {
  const { tower } = model;
  const forward = tower.forward.bind(tower);
  tower.forward = (patches, grids, context) => {
    for (let run = 1; run < runs; run++) forward(patches, grids, context).dispose();
    counts.towerMedia += runs * grids.length;
    return forward(patches, grids, context);
  };
  return model;
}
