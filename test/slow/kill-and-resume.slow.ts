// SPDX-License-Identifier: Apache-2.0
import { describeKills } from '../support/kill-and-resume-claims.js';

const lora = ['adapter.name=lora', 'adapter.rank=4', 'adapter.dropout=0.1'];

describeKills({
  title: 'SimPO on every weight',
  words: ['--plugin', 'loss-simpo', 'train.batchSize=4'],
  steps: 200,
  kills: 20,
  weights: 'model.safetensors',
});

describeKills({
  title: 'DPO with LoRA, dropout and accumulation',
  words: ['--plugin=loss-dpo', 'train.batchSize=2', 'train.gradientAccumulation=2', ...lora],
  steps: 200,
  kills: 20,
  weights: 'adapter_model.safetensors',
});
