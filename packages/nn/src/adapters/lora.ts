// SPDX-License-Identifier: Apache-2.0
/**
 * LoRA: Hu et al., "LoRA: low-rank adaptation of large language models", ICLR 2022, equation 3:
 *   y = x Wᵀ + b + (α / r) · (dropout(x) Aᵀ) Bᵀ,  A [r, inputs], B [outputs, r], W frozen.
 * rsLoRA scales by α / √r: Kalajdzievski, "A rank stabilization scaling factor for fine-tuning with LoRA", 2023.
 * Start as in PEFT: A uniform in ±1/√inputs (Kaiming with a = √5), B zero. File keys and adapter_config.json are PEFT's.
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readSafetensors, toFloat32, uniforms, type RandomKey } from '@llmf/core';
import type { Variable } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Adapter, AttachedAdapter, LinearLayer, LowRank, Model } from '../contracts/index.js';
import { tf } from '../tf.js';
import { adapterErrors } from './adapter-errors.js';
import { layerNames, selectTargets } from './targets.js';

export const loraOptions = z.strictObject({
  rank: z.int().min(1).default(8).describe('Rank r of the update.'),
  alpha: z.number().positive().optional().describe('Scale numerator α; 2 · rank when left out.'),
  dropout: z.number().min(0).lt(1).default(0).describe('Dropout on the input of A while training.'),
  rsLora: z.boolean().default(false).describe('Scale by α/√r instead of α/r.'),
  targets: z
    .union([z.string(), z.array(z.string()).min(1)])
    .default('all')
    .describe('`all` linear layers but the head, layer names, or a /pattern/ over their paths.'),
  path: z.string().optional().describe('Continue from this PEFT adapter folder; its rank, alpha and targets hold.'),
});
export type LoraOptions = z.infer<typeof loraOptions>;

export const lora: Adapter = {
  name: 'lora',
  description: 'low-rank updates of linear layers; the base model stays frozen',
  options: loraOptions,
  trainsBase: () => false,
  attach: async (model, options, random, folder) => {
    const chosen = options as LoraOptions;
    return chosen.path === undefined
      ? freshLora(model, chosen, random)
      : await continuedLora(model, resolve(folder, chosen.path), chosen);
  },
};

/** A saved adapter to train on. @throws LLMF_NN_ADAPTER_OPTION when an option asks for something else than it is. */
async function continuedLora(model: Model, folder: string, options: LoraOptions): Promise<LoraAdapter> {
  const adapter = await savedLora(model, folder, options.dropout);
  const { r, lora_alpha, use_rslora } = adapter.peftConfig;
  const initial = loraOptions.parse({});
  const contradictions = [
    ['rank', options.rank, r, options.rank === initial.rank],
    ['alpha', options.alpha, lora_alpha, options.alpha === undefined],
    ['rsLora', options.rsLora, use_rslora, options.rsLora === initial.rsLora],
    ['targets', options.targets, 'those of the folder', options.targets === initial.targets],
  ] as const;
  for (const [option, got, saved, isLeftOpen] of contradictions) {
    if (!isLeftOpen && got !== saved)
      throw adapterErrors.adapterOption({ option, got: String(got), saved: String(saved), folder });
  }
  return adapter;
}

/** A new adapter; with B = 0 its output is exactly zero. */
export function freshLora(model: Model, options: LoraOptions, random: RandomKey): LoraAdapter {
  const layers = selectTargets(model.linears, options.targets);
  const pairs = layers.map((layer) => {
    const bound = 1 / Math.sqrt(layer.inputs);
    const draw = uniforms(random, layer.path, options.rank * layer.inputs).map((u) => (2 * u - 1) * bound);
    return { layer, a: draw, b: new Float32Array(layer.outputs * options.rank) };
  });
  return new LoraAdapter(model, pairs, { ...options, alpha: options.alpha ?? 2 * options.rank }, true);
}

/** The adapter of a PEFT folder, ready to be trained on or to generate with. */
export async function savedLora(model: Model, folder: string, dropout = 0): Promise<LoraAdapter> {
  const config = await readPeftConfig(folder);
  const file = join(folder, 'adapter_model.safetensors');
  const tensors = await readSafetensors(file);
  const pairs = [...model.linears.values()].flatMap((layer) => {
    const a = tensors[peftKey(layer.path, 'A')];
    const b = tensors[peftKey(layer.path, 'B')];
    if (a === undefined || b === undefined) return [];
    checkShape(file, `${layer.path} lora_A`, a.shape, [config.r, layer.inputs]);
    checkShape(file, `${layer.path} lora_B`, b.shape, [layer.outputs, config.r]);
    return [{ layer, a: toFloat32(a), b: toFloat32(b) }];
  });
  const unread = Object.keys(tensors).length - 2 * pairs.length;
  if (pairs.length === 0 || unread !== 0) {
    const problem = `${unread} of ${Object.keys(tensors).length} tensors belong to no linear layer of the model`;
    throw adapterErrors.adapterFile({ path: file, problem });
  }
  const options = { rank: config.r, alpha: config.lora_alpha, dropout, rsLora: config.use_rslora };
  const isIdentity = pairs.every(({ b }) => b.every((value) => value === 0));
  return new LoraAdapter(model, pairs, { ...options, targets: config.target_modules }, isIdentity);
}

interface LayerPair {
  readonly layer: LinearLayer;
  readonly a: Float32Array; // [rank, inputs]
  readonly b: Float32Array; // [outputs, rank]
}

export class LoraAdapter implements AttachedAdapter {
  readonly variables: ReadonlyMap<string, Variable>;
  readonly peftConfig: Readonly<Record<string, unknown>>;
  private readonly layers: ReadonlyMap<string, LowRank>;

  constructor(
    model: Model,
    pairs: readonly LayerPair[],
    options: Required<Omit<LoraOptions, 'path'>>,
    readonly isIdentity: boolean,
  ) {
    const { rank, alpha, dropout, rsLora } = options;
    const scale = alpha / (rsLora ? Math.sqrt(rank) : rank);
    const entries = pairs.map(({ layer, a, b }) => {
      const lowRank = { a: variable(a, [rank, layer.inputs]), b: variable(b, [layer.outputs, rank]), scale, dropout };
      return [layer.path, lowRank] as const;
    });
    this.layers = new Map(entries);
    this.variables = new Map(
      entries.flatMap(([path, { a, b }]) => [[peftKey(path, 'A'), a] as const, [peftKey(path, 'B'), b] as const]),
    );
    this.peftConfig = peftConfig(model, pairs, options);
  }

  lowRank(path: string): LowRank | null {
    return this.layers.get(path) ?? null;
  }

  dispose(): void {
    for (const value of this.variables.values()) value.dispose();
  }
}

const peftKey = (path: string, half: 'A' | 'B') => `base_model.model.${path}.lora_${half}.weight`;

function variable(values: Float32Array, shape: [number, number]): Variable {
  const tensor = tf.tensor2d(values, shape, 'float32');
  const kept = tf.variable(tensor, true);
  tensor.dispose();
  return kept;
}

function peftConfig(
  model: Model,
  pairs: readonly LayerPair[],
  { rank, alpha, dropout, rsLora }: Required<Omit<LoraOptions, 'path'>>,
): Record<string, unknown> {
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: model.config['_name_or_path'] ?? '',
    r: rank,
    lora_alpha: alpha,
    lora_dropout: dropout,
    use_rslora: rsLora,
    use_dora: false,
    bias: 'none',
    fan_in_fan_out: false, // PEFT sets it itself for layers stored the other way round
    init_lora_weights: true,
    inference_mode: true,
    modules_to_save: null,
    target_modules: targetModules(model, pairs),
  };
}

/** Layer names where they mean exactly these layers, else whole paths. */
function targetModules(model: Model, pairs: readonly LayerPair[]): string[] {
  const names = layerNames(pairs.map(({ layer }) => layer));
  const meant = selectTargets(model.linears, names);
  return meant.length === pairs.length ? names : pairs.map(({ layer }) => layer.path);
}

/** One rank and alpha for all layers. */
const emptyPattern = z
  .record(z.string(), z.number())
  .nullish()
  .refine((pattern) => Object.keys(pattern ?? {}).length === 0, 'must be empty: every layer has the same');

const peftFile = z.looseObject({
  peft_type: z.literal('LORA'),
  r: z.int().min(1),
  lora_alpha: z.number(),
  use_rslora: z.boolean().default(false),
  use_dora: z.literal(false).default(false),
  bias: z.literal('none').default('none'),
  lora_bias: z.literal(false).default(false),
  modules_to_save: z.null().default(null),
  rank_pattern: emptyPattern,
  alpha_pattern: emptyPattern,
  target_modules: z
    .union([z.string(), z.array(z.string())])
    .nullable()
    .default('all')
    .transform((t) => t ?? 'all'),
});

async function readPeftConfig(folder: string): Promise<z.infer<typeof peftFile>> {
  const file = join(folder, 'adapter_config.json');
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw adapterErrors.adapterFile({ path: file, problem: (error as Error).message }, { cause: error });
  }
  const parsed = peftFile.safeParse(content);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw adapterErrors.adapterFile({
    path: file,
    problem: `${path.join('.')}: ${message}`,
    expected: 'a plain LoRA adapter',
  });
}

function checkShape(file: string, name: string, got: readonly number[], expected: readonly number[]): void {
  if (got.join() === expected.join()) return;
  throw adapterErrors.adapterFile({ path: file, problem: `${name} is [${got}]`, expected: `[${expected}]` });
}
