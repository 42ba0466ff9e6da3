// SPDX-License-Identifier: Apache-2.0
import { describeEstimates, type EstimateCase } from '../support/memory-estimate-claims.js';

const kinds: Omit<EstimateCase, 'gradientCheckpointing'>[] = [
  { title: 'LoRA on bf16 weights in their file, DPO', stored: 'BF16', precision: 'bf16', loss: 'dpo', adapter: 'lora' },
  {
    title: 'LoRA on bf16 weights made of f32 ones, DPO',
    stored: 'F32',
    precision: 'bf16',
    loss: 'dpo',
    adapter: 'lora',
  },
  { title: 'LoRA on f32 weights in their file, DPO', stored: 'F32', precision: 'f32', loss: 'dpo', adapter: 'lora' },
  { title: 'LoRA on f32 weights made of bf16 ones', stored: 'BF16', precision: 'f32', loss: 'sft', adapter: 'lora' },
  { title: 'every weight', stored: 'F32', precision: 'f32', loss: 'sft', adapter: 'none' },
];

describeEstimates(
  kinds.flatMap((kind) => [
    { ...kind, gradientCheckpointing: false },
    { ...kind, title: `${kind.title}, gradient checkpointing`, gradientCheckpointing: true },
  ]),
);
