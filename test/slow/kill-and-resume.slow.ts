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
