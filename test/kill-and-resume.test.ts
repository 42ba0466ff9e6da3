// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { repository } from './support/command.js';
import { describeKills } from './support/kill-and-resume-claims.js';

// 20 kills: slow/kill-and-resume.slow.ts
describeKills({
  title: 'SimPO on every weight',
  words: ['--plugin', 'loss-simpo', 'train.batchSize=4'],
  steps: 36,
  kills: 3,
  weights: 'model.safetensors',
});

const reward = join(repository, 'test', 'support', 'reward.mjs');
describeKills({
  title: 'PPO with LoRA and an adaptive KL coefficient',
  words: [
    'sft.yaml',
    '--plugin',
    'algo-ppo',
    'model.path=model',
    'adapter=lora',
    'data.maxSamples=60',
    'stage={ name: ppo, maxNewTokens: 12, klController: adaptive, klHorizon: 100, scoreScaling: running }',
    `rewards={ name: function, path: ${reward} }`,
    'train.batchSize=4',
    'train.learningRate=1e-3',
  ],
  steps: 24,
  kills: 2,
  weights: 'adapter_model.safetensors',
});
