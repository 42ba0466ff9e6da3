// SPDX-License-Identifier: Apache-2.0
import { describeKills } from '../support/kill-and-resume-claims.js';

const simpo = ['--plugin', 'loss-simpo', 'train.batchSize=4'];
const dpo = ['--plugin', 'loss-dpo', 'train.batchSize=2', 'train.gradientAccumulation=2'];
const lora = ['adapter.name=lora', 'adapter.rank=4', 'adapter.dropout=0.1'];

describeKills({
  title: 'SimPO on every weight',
  words: simpo,
  steps: 200,
  kills: 20,
  weights: 'model.safetensors',
});

describeKills({
  title: 'SimPO on every weight, backend wasm',
  words: [...simpo, 'backend=wasm'],
  steps: 200,
  kills: 20,
  weights: 'model.safetensors',
});

describeKills({
  title: 'DPO with LoRA, dropout and accumulation',
  words: [...dpo, ...lora],
  steps: 200,
  kills: 20,
  weights: 'adapter_model.safetensors',
});

describeKills({
  title: 'DPO on every weight with a cached reference',
  words: [...dpo, 'reference=cached'],
  steps: 200,
  kills: 20,
  weights: 'model.safetensors',
});

describeKills({
  title: 'KTO with LoRA on pairs taken apart',
  words: ['--plugin', 'loss-kto', 'train.batchSize=4', ...lora],
  steps: 100,
  kills: 8,
  weights: 'adapter_model.safetensors',
});

describeKills({
  title: 'a reward model of every weight',
  words: ['--plugin', 'algo-reward', 'train.batchSize=4', 'adapter=none'],
  steps: 100,
  kills: 8,
  weights: 'model.safetensors',
});

describeKills({
  title: 'a reward model as an adapter with its head',
  words: ['--plugin', 'algo-reward', 'train.batchSize=4', ...lora],
  steps: 100,
  kills: 8,
  weights: 'adapter_model.safetensors',
});
