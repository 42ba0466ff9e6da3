// SPDX-License-Identifier: Apache-2.0
/**
 * The head of a reward model as TRL's AutoModelForCausalLMWithValueHead and LLaMA-Factory keep it beside an adapter or a
 * model: `value_head.safetensors`, one linear layer with a bias over the last token, whichever it is.
 */
import { join } from 'node:path';
import { isThere, readSafetensors, type HostTensor } from '@llmf/core';
import type { SavedHeads } from '../contracts/head.js';
import { classifierHeadName } from './classifier-head.js';
import { headErrors } from './head-errors.js';

export const valueHeadFile = 'value_head.safetensors';
const parts = { weight: 'v_head.summary.weight', bias: 'v_head.summary.bias' } as const;

/** null where the folder has none. @throws LLMF_NN_HEAD_FILE */
export async function readValueHead(folder: string): Promise<SavedHeads | null> {
  const file = join(folder, valueHeadFile);
  if (!(await isThere(file))) return null;
  const tensors = await readSafetensors(file);
  const part = (name: keyof typeof parts, rank: number): HostTensor => {
    const tensor = tensors[parts[name]];
    if (tensor?.shape.length === rank && tensor.shape[0] === 1) return tensor;
    throw headErrors.headFile({ file, problem: `${parts[name]} is ${tensor ? `[${tensor.shape}]` : 'missing'}` });
  };
  const name = classifierHeadName;
  return {
    heads: [{ name, outputs: 1, at: 'last', bias: true, replacesLanguageModel: true, readsPadding: true }],
    tensors: { [`${name}.weight`]: part('weight', 2), [`${name}.bias`]: part('bias', 1) },
    folder,
  };
}
