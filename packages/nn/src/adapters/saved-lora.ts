// SPDX-License-Identifier: Apache-2.0
import { checkModelFolder, firstNonFinite, readSafetensors, toFloat32, type HostTensor } from '@llmf/core';
import type { Model } from '../contracts/index.js';
import { classifierHead, readHeads } from '../head-files/index.js';
import type { SavedHeads } from '../heads/head.js';
import { adapterErrors } from './adapter-errors.js';
import { adapterWeightFile } from './missing-file.js';
import { LoraAdapter, type LayerPair } from './lora-adapter.js';
import { readPeftFile, type PeftFile } from './peft-file.js';
import { isForTrainingOnly, parsePeftHeadKey, parsePeftKey } from './peft-names.js';

/**
 * The adapter of a PEFT folder, ready to be trained on or to generate with.
 * @param option what the user set to name the folder, for messages
 * @throws LLMF_NN_ADAPTER_FILE, LLMF_NN_ADAPTER_KEY, LLMF_NN_ADAPTER_PICKLED
 */
export async function savedLora(model: Model, folder: string, option: string, dropout = 0): Promise<LoraAdapter> {
  await checkModelFolder(folder);
  const file = await adapterWeightFile(folder, option);
  const tensors = await readSafetensors(file);
  const config = await readPeftFile(folder, option, Object.keys(tensors));
  const halves = halvesOf(model, tensors, file, option);
  const pairs = [...halves].map(([path, { A, B }]): LayerPair => {
    const layer = model.linears.get(path)!;
    const rank = patterned(config.rank_pattern, model, path) ?? config.r;
    const check = (half: 'A' | 'B', tensor: HostTensor | undefined, expected: readonly number[]): Float32Array => {
      if (tensor?.shape.join() === expected.join()) return finite(toFloat32(tensor), `${path}, lora_${half}`);
      const problem = `${path}, lora_${half} is ${tensor === undefined ? 'missing' : `[${tensor.shape}]`}`;
      throw adapterErrors.adapterFile({ path: file, problem, option, expected: `[${expected}]` });
    };
    const finite = (values: Float32Array, name: string): Float32Array => {
      if (firstNonFinite(values) === -1) return values;
      throw adapterErrors.adapterFile({ path: file, problem: `${name} holds NaN or infinity`, option });
    };
    const alpha = patterned(config.alpha_pattern, model, path) ?? config.lora_alpha;
    const a = check('A', A, [rank, layer.inputs]);
    return { layer, rank, alpha, a, b: check('B', B, [layer.outputs, rank]) };
  });
  return new LoraAdapter(model, pairs, { ...factsOf(config), dropout }, await headsOf(folder, tensors));
}

/** A classifier's head from the adapter's file, or the heads beside it. */
async function headsOf(folder: string, tensors: Readonly<Record<string, HostTensor>>): Promise<SavedHeads | null> {
  const named = Object.entries(tensors).flatMap(([key, tensor]) => {
    const name = parsePeftHeadKey(key);
    return name === null ? [] : [[name, tensor] as const];
  });
  if (named.length === 0) return await readHeads(folder);
  const weights = Object.fromEntries(named);
  return { heads: [classifierHead(weights)], tensors: weights, folder };
}

const factsOf = (config: PeftFile) => ({
  rank: config.r,
  alpha: config.lora_alpha,
  rsLora: config.use_rslora,
  rankPattern: config.rank_pattern,
  alphaPattern: config.alpha_pattern,
});

type Halves = Partial<Record<'A' | 'B', HostTensor>>;

/** The file's tensors by layer, in forward order. @throws LLMF_NN_ADAPTER_FILE naming those of no linear layer. */
function halvesOf(
  { linears, moduleNames }: Model,
  tensors: Readonly<Record<string, HostTensor>>,
  file: string,
  option: string,
): Map<string, Halves> {
  const found = new Map<string, Halves>();
  const strange: string[] = [];
  for (const [key, tensor] of Object.entries(tensors)) {
    const place = parsePeftKey(key, moduleNames);
    if (isForTrainingOnly(key) || parsePeftHeadKey(key) !== null) continue;
    if (place === null || !linears.has(place.path)) strange.push(key);
    else found.set(place.path, { ...found.get(place.path), [place.half]: tensor });
  }
  if (found.size > 0 && strange.length === 0)
    return new Map([...linears.keys()].flatMap((path) => (found.has(path) ? [[path, found.get(path)!] as const] : [])));
  const more = strange.length > 3 ? ` and ${strange.length - 3} more` : '';
  throw adapterErrors.adapterFile({
    path: file,
    problem: strange.length === 0 ? 'no tensors' : `${strange.slice(0, 3).join(', ')}${more}`,
    option,
    expected: `lora_A and lora_B of linear layers of the model, such as ${[...linears.keys()].at(-1)}`,
  });
}

/** PEFT's rule (get_pattern_key, peft 0.21): the first key that, as an expression, is the end of the module's path. */
function patterned(patterns: Readonly<Record<string, number>>, model: Model, path: string): number | undefined {
  const today = model.moduleNames?.toTransformers(path) ?? path;
  const matches = (key: string, name: string) => new RegExp(`^(.*\\.)?(${key})$`).test(name);
  const entries = Object.entries(patterns);
  const entry = entries.find(([key]) => matches(key, today)) ?? entries.find(([key]) => matches(key, path));
  return entry?.[1];
}
