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
import type { Adapter, LinearLayer, Model, Tokenize } from '../contracts/index.js';
import { adapterErrors } from './adapter-errors.js';
import { LoraAdapter } from './lora-adapter.js';
import { freshOwn, targetTables } from './own/fresh-own.js';
import { isNamed } from './own/own-keys.js';
import { checkPatterns, patterned } from './patterned.js';
import { savedLora } from './saved-lora.js';
import { inLayers, selectTargets } from './targets.js';

/** Of the tokens' table, or of a module each: `{ embed_tokens: [3], lm_head: [3] }`. */
export const trainableTokensOption = z.union([
  z.array(z.union([z.int().min(0), z.string().min(1)])),
  z.record(z.string().min(1), z.array(z.union([z.int().min(0), z.string().min(1)])).min(1)),
]);

export const loraOptions = z.strictObject({
  rank: z.int().min(1).default(8).describe('Rank r of the update.'),
  alpha: z.number().positive().optional().describe('Scale numerator α; 2 · rank when left out.'),
  dropout: z.number().min(0).lt(1).default(0).describe('Dropout on the input of A while training.'),
  rsLora: z.boolean().default(false).describe('Scale by α/√r instead of α/r.'),
  targets: z
    .union([z.string(), z.array(z.string()).min(1)])
    .default('all')
    .describe(
      '`all` linear layers but the head; names of layers, of tables of embeddings or of the head; a /pattern/ over paths of layers.',
    ),
  rankPattern: z
    .record(z.string().min(1), z.int().min(1))
    .default({})
    .describe('Other ranks by module: PEFT’s rank_pattern, an expression for the end of a path.'),
  alphaPattern: z
    .record(z.string().min(1), z.number().positive())
    .default({})
    .describe('Other alphas by module, as rankPattern.'),
  modulesToSave: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Modules that are trained whole and saved with the adapter: ends of their paths, PEFT’s modules_to_save.',
    ),
  trainableTokens: trainableTokensOption
    .default([])
    .describe('Tokens whose embeddings are trained, by id or text: PEFT’s trainable_token_indices.'),
  ensureWeightTying: z
    .boolean()
    .default(false)
    .describe(
      'A head that is tied to the embeddings follows what the adapter makes of them: PEFT’s ensure_weight_tying.',
    ),
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
  attach: async (model, options, random, folder, tokenize) => {
    const chosen = options as LoraOptions;
    if (chosen.path === undefined) return await freshLora(model, chosen, random, tokenize);
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
    ['modulesToSave', options.modulesToSave, 'those of the folder', options.modulesToSave.length === 0],
    ['trainableTokens', options.trainableTokens, 'those of the folder', isNone(options.trainableTokens)],
    ['ensureWeightTying', options.ensureWeightTying, 'as in the folder', !options.ensureWeightTying],
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
export async function freshLora(
  model: Model,
  options: LoraOptions,
  random: RandomKey,
  tokenize?: Tokenize,
): Promise<LoraAdapter> {
  const {
    rank,
    alpha = 2 * rank,
    dropout,
    rsLora,
    rankPattern,
    alphaPattern,
    modulesToSave,
    trainableTokens,
    ensureWeightTying: tiesHead,
  } = options;
  const { tables, head, others } = targetTables(model, options.targets);
  const selected = others.length === 0 ? [] : inLayers(model, selectTargets(model, others), options.layers);
  const isWhole = ({ path }: LinearLayer) => isNamed(model, `${path}.weight`, modulesToSave);
  const targets = others === 'all' ? selected.filter((layer) => !isWhole(layer)) : selected;
  const twice = targets.find(isWhole);
  if (twice !== undefined) throw adapterErrors.changedTwice({ module: twice.path, ways: 'targets and modulesToSave' });
  const paths = [...targets.map(({ path }) => path), ...tables, ...(head ? [model.tree!.headPath] : [])];
  checkPatterns(model, paths, { rankPattern, alphaPattern });
  const pairs = targets.map((layer) => {
    const own = patterned(rankPattern, model, layer.path) ?? rank;
    const bound = 1 / Math.sqrt(layer.inputs);
    const draw = uniforms(random, layer.path, own * layer.inputs).map((u) => (2 * u - 1) * bound);
    const scale = patterned(alphaPattern, model, layer.path) ?? alpha;
    return { layer, rank: own, alpha: scale, a: draw, b: new Float32Array(layer.outputs * own) };
  });
  const rankOf = (path: string) => {
    const own = patterned(rankPattern, model, path) ?? rank;
    return { rank: own, scale: (patterned(alphaPattern, model, path) ?? alpha) / (rsLora ? Math.sqrt(own) : own) };
  };
  const request = { modulesToSave, trainableTokens, tables, head, dropout, tiesHead, rankOf };
  const own = await freshOwn(model, request, random, tokenize);
  return new LoraAdapter(model, pairs, { rank, alpha, dropout, rsLora, rankPattern, alphaPattern }, null, own);
}

const isNone = (tokens: LoraOptions['trainableTokens']): boolean => Object.keys(tokens).length === 0;
