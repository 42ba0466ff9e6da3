// SPDX-License-Identifier: Apache-2.0
/** Freeze tuning: some blocks are trained whole, the rest stays. Option meanings as LLaMA-Factory's `freeze`. */
import { z } from 'zod';
import type { Adapter } from '../contracts/index.js';

export const freezeOptions = z.strictObject({
  trainableLayers: z
    .int()
    .refine((count) => count !== 0, 'must not be 0')
    .default(2)
    .describe('Blocks that are trained: the last n, or with a negative number the first n.'),
  trainableModules: z
    .array(z.string())
    .default(['all'])
    .describe('Parts of those blocks: `all`, or names such as self_attn, mlp, down_proj.'),
  extraModules: z.array(z.string()).default([]).describe('Weights outside the blocks to train too, e.g. lm_head, norm.'),
});
export type FreezeOptions = z.infer<typeof freezeOptions>;

export const freeze: Adapter = {
  name: 'freeze',
  description: 'train some blocks of the base model, keep the rest frozen',
  options: freezeOptions,
  trainsBase(parameter, blocks, options) {
    const { trainableLayers, trainableModules, extraModules } = options as FreezeOptions;
    const trained = trainableLayers > 0 ? blocks.slice(-trainableLayers) : blocks.slice(0, -trainableLayers);
    const block = trained.find((path) => parameter.startsWith(`${path}.`));
    if (block !== undefined) {
      return trainableModules.includes('all') || hasPart(parameter.slice(block.length + 1), trainableModules);
    }
    return !blocks.some((path) => parameter.startsWith(`${path}.`)) && hasPart(parameter, extraModules);
  },
  attach: () => Promise.resolve(null),
};

const hasPart = (name: string, wanted: readonly string[]) => name.split('.').some((part) => wanted.includes(part));
