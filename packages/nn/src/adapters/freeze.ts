// SPDX-License-Identifier: Apache-2.0
/** Freeze tuning: some blocks are trained whole, the rest stays. Option meanings as LLaMA-Factory's `freeze`. */
import { z } from 'zod';
import type { Adapter, Model } from '../contracts/index.js';
import { adapterErrors } from './adapter-errors.js';

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
  extraModules: z
    .array(z.string())
    .default([])
    .describe('Weights outside the blocks to train too, e.g. lm_head, norm.'),
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
  async attach(model, options) {
    checkModules(model, options as FreezeOptions);
    return null;
  },
};

const hasPart = (name: string, wanted: readonly string[]) => name.split('.').some((part) => wanted.includes(part));

/** Every name must be a part of some weight's path: within a block, or outside of all. @throws LLMF_NN_UNKNOWN_MODULE */
function checkModules({ parameters, blocks }: Model, { trainableModules, extraModules }: FreezeOptions): void {
  const inside = new Set<string>();
  const outside = new Set<string>();
  for (const name of parameters.keys()) {
    const block = blocks.find((path) => name.startsWith(`${path}.`));
    const parts = (block === undefined ? name : name.slice(block.length + 1)).split('.');
    for (const part of parts.slice(0, -1)) (block === undefined ? outside : inside).add(part);
  }
  const check = (option: string, wanted: readonly string[], known: ReadonlySet<string>) => {
    const unknown = wanted.find((module) => !known.has(module));
    if (unknown !== undefined) throw adapterErrors.unknownModule({ option, module: unknown, known: [...known] });
  };
  check('trainableModules', trainableModules, new Set(['all', ...inside]));
  check('extraModules', extraModules, outside);
}
