// SPDX-License-Identifier: Apache-2.0
import { describeKills } from './support/kill-and-resume-claims.js';

// 20 kills: slow/kill-and-resume.slow.ts
describeKills({
  title: 'SimPO on every weight',
  words: ['--plugin', 'loss-simpo', 'train.batchSize=4'],
  steps: 48,
  kills: 4,
  weights: 'model.safetensors',
});
