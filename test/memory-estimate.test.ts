// SPDX-License-Identifier: Apache-2.0
import { describeEstimates } from './support/memory-estimate-claims.js';

/** More of them in the slow tier. */
describeEstimates([
  {
    title: 'LoRA on bf16 weights in their file, DPO',
    stored: 'BF16',
    precision: 'bf16',
    loss: 'dpo',
    adapter: 'lora',
    gradientCheckpointing: false,
  },
]);
