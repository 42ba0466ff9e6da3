// SPDX-License-Identifier: Apache-2.0
/**
 * LoRA on the experts of a mixture as PEFT 0.21 writes it beside Transformers 5, which stacks the weights of E experts:
 * gate_up_proj [E, 2F, C] and down_proj [E, C, F]. One A [r·E, inputs] and one B [outputs, r·E] hold the factors of all
 * experts: A's rows by expert, B's columns by rank and then by expert (peft/tuners/lora/layer.py, ParamWrapper). Here each
 * expert's layers have their own factors; gate and up share the values of A.
 */
import type { HostTensor } from '@llmf/core';
import type { ExpertLayers, LinearLayer, Model } from '../contracts/model.js';
import type { AdapterFolder } from './adapter-folder.js';
import type { LayerPair } from './lora-adapter.js';

/** Rank and alpha of a module by its path. */
type RankOf = (path: string) => { readonly rank: number; readonly alpha: number };
type File = Pick<AdapterFolder<unknown>, 'tensors' | 'tensor' | 'misfit'>;

/** A key of a stacked parameter; PEFT wraps the one within the other, so that keys do not say which is which. */
interface StackedKey {
  /** Of all experts. */
  readonly path: string;
  readonly isInner: boolean;
  readonly half: 'A' | 'B';
}

function parseKey({ expertLayers, moduleNames }: Model, key: string): StackedKey | null {
  const [, module, inner, half] =
    /^base_model\.model\.(.+?)(\.base_layer)?\.lora_([AB])(?:\.default)?\.weight$/.exec(key) ?? [];
  if (module === undefined) return null;
  const path = moduleNames?.fromTransformers(module) ?? module;
  if (expertLayers?.has(path) !== true) return null;
  return { path, isInner: inner !== undefined, half: half as 'A' | 'B' };
}

export const isOfStackedExperts = (model: Model, key: string): boolean => parseKey(model, key) !== null;

/** The updates of all experts, layer by layer. @throws LLMF_NN_ADAPTER_FILE for factors of another size */
export function stackedExperts(model: Model, file: File, rankOf: RankOf): LayerPair[] {
  const factors = new Map<string, { readonly path: string; readonly keys: Partial<Record<'A' | 'B', string>> }>();
  for (const key of Object.keys(file.tensors)) {
    const of = parseKey(model, key);
    if (of === null) continue;
    const name = `${of.path} ${of.isInner}`;
    factors.set(name, { path: of.path, keys: { ...factors.get(name)?.keys, [of.half]: key } });
  }
  return [...factors.values()].flatMap(({ path, keys }) => {
    const [a, b] = [keys.A, keys.B].map((key) => (key === undefined ? undefined : file.tensors[key]));
    if (a === undefined || b === undefined) throw file.misfit(`${path} has one factor alone`, 'lora_A and lora_B');
    return updatesOf(path, model.expertLayers!.get(path)!, { a, b }, { file, rankOf, keys: [keys.A!, keys.B!] });
  });
}

function updatesOf(
  path: string,
  experts: readonly ExpertLayers[],
  { a, b }: { readonly a: HostTensor; readonly b: HostTensor },
  { file, rankOf, keys }: { readonly file: File; readonly rankOf: RankOf; readonly keys: readonly [string, string] },
): LayerPair[] {
  const { gate, down } = experts[0]!;
  const stacked = [
    { name: 'gate_up_proj', inputs: gate.inputs, outputs: 2 * gate.outputs },
    { name: 'down_proj', inputs: down.inputs, outputs: down.outputs },
  ].find(({ inputs, outputs }) => a.shape[1] === inputs && b.shape[0] === outputs);
  if (stacked === undefined) {
    const expected = `factors of gate_up_proj or of down_proj of ${experts.length} experts`;
    throw file.misfit(`${path}: A [${a.shape}] and B [${b.shape}]`, expected);
  }
  const { rank, alpha } = rankOf(`${path}.${stacked.name}`);
  const values = {
    a: file.tensor(keys[0], [rank * experts.length, stacked.inputs]),
    b: file.tensor(keys[1], [stacked.outputs, rank * experts.length]),
  };
  return experts.flatMap((expert, number) => {
    const own = factorsOf(number, experts.length, rank, values);
    const pair = (layer: LinearLayer, firstRow: number): LayerPair => {
      const rows = own.b.slice(firstRow * rank, (firstRow + layer.outputs) * rank);
      return { layer, rank, alpha, a: own.a, b: rows };
    };
    if (stacked.name === 'down_proj') return [pair(expert.down, 0)];
    return [pair(expert.gate, 0), pair(expert.up, expert.gate.outputs)];
  });
}

/** A [r, inputs] and B [outputs, r] of one expert. */
function factorsOf(
  expert: number,
  experts: number,
  rank: number,
  { a, b }: { readonly a: Float32Array; readonly b: Float32Array },
): { readonly a: Float32Array; readonly b: Float32Array } {
  const size = a.length / experts;
  const own = Float32Array.from({ length: b.length / experts }, (_, at) => {
    const [row, column] = [Math.floor(at / rank), at % rank];
    return b[row * rank * experts + column * experts + expert]!;
  });
  return { a: a.slice(expert * size, (expert + 1) * size), b: own };
}
