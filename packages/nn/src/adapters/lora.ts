// SPDX-License-Identifier: Apache-2.0
/**
 * LoRA: Hu et al., "LoRA: low-rank adaptation of large language models", ICLR 2022, equation 3:
 *   y = x Wᵀ + b + (α / r) · (dropout(x) Aᵀ) Bᵀ,  A [r, inputs], B [outputs, r], W frozen.
 * rsLoRA scales by α / √r: Kalajdzievski, "A rank stabilization scaling factor for fine-tuning with LoRA", 2023.
 * Start as in PEFT: A uniform in ±1/√inputs (Kaiming with a = √5), B zero. File keys and adapter_config.json are PEFT's.
 */
import { resolve } from 'node:path';
import { uniforms, type RandomKey } from '@llmf/core';
import { z } from 'zod';
import type { Adapter, Model } from '../contracts/index.js';
import { adapterErrors } from './adapter-errors.js';
import { LoraAdapter } from './lora-adapter.js';
import { checkPatterns, patterned } from './patterned.js';
import { savedLora } from './saved-lora.js';
import { inLayers, selectTargets } from './targets.js';

export const loraOptions = z.strictObject({
  rank: z.int().min(1).default(8).describe('Rank r of the update.'),
  alpha: z.number().positive().optional().describe('Scale numerator α; 2 · rank when left out.'),
  dropout: z.number().min(0).lt(1).default(0).describe('Dropout on the input of A while training.'),
  rsLora: z.boolean().default(false).describe('Scale by α/√r instead of α/r.'),
  targets: z
    .union([z.string(), z.array(z.string()).min(1)])
    .default('all')
    .describe('`all` linear layers but the head, layer names, or a /pattern/ over their paths.'),
  rankPattern: z
    .record(z.string().min(1), z.int().min(1))
    .default({})
    .describe('Other ranks by module: PEFT’s rank_pattern, an expression for the end of a path.'),
  alphaPattern: z
    .record(z.string().min(1), z.number().positive())
    .default({})
    .describe('Other alphas by module, as rankPattern.'),
  layers: z.array(z.int().min(0)).min(1).optional().describe('Only these blocks, from 0: PEFT’s layers_to_transform.'),
  path: z
    .string()
    .optional()
    .describe('Continue from this PEFT adapter folder; its rank, alpha and targets hold.')
    .meta({ decides: 'content' }),
});
export type LoraOptions = z.infer<typeof loraOptions>;

export const lora: Adapter = {
  name: 'lora',
  description: 'low-rank updates of linear layers; the base model stays frozen',
  options: loraOptions,
  trainsBase: () => false,
  attach: async (model, options, random, folder) => {
    const chosen = options as LoraOptions;
    if (chosen.path === undefined) return freshLora(model, chosen, random);
    return await continuedLora(model, resolve(folder, chosen.path), chosen);
  },
  reads: ({ peft_type }) => peft_type === 'LORA',
  load: savedLora,
};

/** A saved adapter to train on. @throws LLMF_NN_ADAPTER_OPTION when an option asks for something else than it is. */
async function continuedLora(model: Model, folder: string, options: LoraOptions): Promise<LoraAdapter> {
  const adapter = await savedLora(model, folder, 'adapter.path', options.dropout);
  const frozen = adapter.paths.find((path) => model.targets !== undefined && !model.targets.has(path));
  if (frozen !== undefined) {
    adapter.dispose();
    throw adapterErrors.adapterFrozen({ folder, layer: frozen });
  }
  const { r, lora_alpha, use_rslora } = adapter.peftConfig;
  const initial = loraOptions.parse({});
  const contradictions = [
    ['rank', options.rank, r, options.rank === initial.rank],
    ['alpha', options.alpha, lora_alpha, options.alpha === undefined],
    ['rsLora', options.rsLora, use_rslora, options.rsLora === initial.rsLora],
    ['targets', options.targets, 'those of the folder', options.targets === initial.targets],
    ['layers', options.layers, 'those of the folder', options.layers === undefined],
    ['rankPattern', options.rankPattern, 'that of the folder', Object.keys(options.rankPattern).length === 0],
    ['alphaPattern', options.alphaPattern, 'that of the folder', Object.keys(options.alphaPattern).length === 0],
  ] as const;
  for (const [option, got, saved, isLeftOpen] of contradictions) {
    if (!isLeftOpen && got !== saved)
      throw adapterErrors.adapterOption({ option, got: JSON.stringify(got), saved: String(saved), folder });
  }
  return adapter;
}

/** A new adapter; with B = 0 its output is exactly zero. */
export function freshLora(model: Model, options: LoraOptions, random: RandomKey): LoraAdapter {
  const { rank, alpha = 2 * rank, dropout, rsLora, rankPattern, alphaPattern } = options;
  const targets = inLayers(model, selectTargets(model, options.targets), options.layers);
  checkPatterns(model, targets, { rankPattern, alphaPattern });
  const pairs = targets.map((layer) => {
    const own = patterned(rankPattern, model, layer.path) ?? rank;
    const bound = 1 / Math.sqrt(layer.inputs);
    const draw = uniforms(random, layer.path, own * layer.inputs).map((u) => (2 * u - 1) * bound);
    const scale = patterned(alphaPattern, model, layer.path) ?? alpha;
    return { layer, rank: own, alpha: scale, a: draw, b: new Float32Array(layer.outputs * own) };
  });
  return new LoraAdapter(model, pairs, { rank, alpha, dropout, rsLora, rankPattern, alphaPattern });
}
