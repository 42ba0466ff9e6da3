// SPDX-License-Identifier: Apache-2.0
/**
 * A PEFT folder, read whole: every key of adapter_config.json is computed, says nothing about the result, or is refused
 * unless it holds nothing; every tensor of adapter_model.safetensors has its place.
 */
import { join } from 'node:path';
import { checkModelFolder, firstNonFinite, readSafetensors, toFloat32, type HostTensor } from '@llmf/core';
import type { z } from 'zod';
import type { LinearLayer, Model } from '../contracts/index.js';
import { readAdapterConfig } from './adapter-config.js';
import { adapterErrors } from './adapter-errors.js';
import { adapterWeightFile } from './missing-file.js';
import type { PeftForm } from './peft-form.js';

/** Tensors of one layer by their part, such as `lora_A`. */
export interface LayerTensors {
  readonly layer: LinearLayer;
  readonly tensors: Readonly<Record<string, HostTensor>>;
}

/**
 * @param option what the user set to name the folder, for messages
 * @throws LLMF_NN_ADAPTER_FILE, LLMF_NN_ADAPTER_KEY, LLMF_NN_ADAPTER_PICKLED
 */
export async function readAdapterFolder<Schema extends z.ZodObject>(
  folder: string,
  option: string,
  form: PeftForm<Schema>,
): Promise<AdapterFolder<z.output<Schema>>> {
  await checkModelFolder(folder);
  const file = await adapterWeightFile(folder, option);
  const tensors = await readSafetensors(file);
  const config = await readAdapterConfig(join(folder, 'adapter_config.json'), option, form, Object.keys(tensors));
  return new AdapterFolder(file, option, config, tensors);
}

export class AdapterFolder<Config> {
  constructor(
    readonly file: string,
    private readonly option: string,
    readonly config: Config,
    readonly tensors: Readonly<Record<string, HostTensor>>,
  ) {}

  /**
   * The tensors by layer, in forward order.
   * @param parts such as `lora_A`, for `base_model.model.<path>.lora_A.weight`
   * @param isElsewhere tensors of the file that are read otherwise
   * @throws LLMF_NN_ADAPTER_FILE naming those of no linear layer
   */
  byLayer(
    { linears, moduleNames }: Model,
    parts: readonly string[],
    isElsewhere: (key: string) => boolean = () => false,
  ): LayerTensors[] {
    const found = new Map<string, Record<string, HostTensor>>();
    const strange: string[] = [];
    for (const [key, tensor] of Object.entries(this.tensors)) {
      if (isElsewhere(key)) continue;
      const place = parseLayerKey(key, parts);
      const path = place === null ? null : (moduleNames?.fromTransformers(place.path) ?? place.path);
      if (place === null || path === null || !linears.has(path)) strange.push(key);
      else found.set(path, { ...found.get(path), [place.part]: tensor });
    }
    if (found.size === 0 || strange.length > 0) {
      const problem = strange.length === 0 ? 'no tensors' : listed(strange);
      const expected = `${parts.join(' and ')} of linear layers of the model, such as ${[...linears.keys()].at(-1)}`;
      throw adapterErrors.adapterFile({ path: this.file, problem, option: this.option, expected });
    }
    return [...linears.values()].flatMap((layer) => {
      const tensors = found.get(layer.path);
      return tensors === undefined ? [] : [{ layer, tensors }];
    });
  }

  /** Values of one part of a layer. @throws LLMF_NN_ADAPTER_FILE for another shape, and for NaN or infinity. */
  part({ layer, tensors }: LayerTensors, part: string, shape: readonly number[]): Float32Array {
    return this.values(tensors[part], `${layer.path}, ${part}`, shape);
  }

  /** Values of a tensor by its key. @throws LLMF_NN_ADAPTER_FILE for another shape, and for NaN or infinity. */
  tensor(key: string, shape: readonly number[]): Float32Array {
    return this.values(this.tensors[key], key, shape);
  }

  /** What to say of a tensor that has no place. */
  readonly misfit = (problem: string, expected: string): Error => {
    const { file: path, option } = this;
    return adapterErrors.adapterFile({ path, problem, option, expected });
  };

  private values(tensor: HostTensor | undefined, name: string, shape: readonly number[]): Float32Array {
    const { file: path, option } = this;
    if (tensor?.shape.join() !== shape.join()) {
      const problem = `${name} is ${tensor === undefined ? 'missing' : `[${tensor.shape}]`}`;
      throw adapterErrors.adapterFile({ path, problem, option, expected: `[${shape}]` });
    }
    const values = toFloat32(tensor);
    if (firstNonFinite(values) === -1) return values;
    throw adapterErrors.adapterFile({ path, problem: `${name} holds NaN or infinity`, option });
  }
}

/**
 * The module and part that a tensor of the file is; null for a tensor of another kind. A state_dict that was written
 * without PEFT's save carries the adapter's name: `lora_A.default.weight`.
 */
function parseLayerKey(key: string, parts: readonly string[]): { path: string; part: string } | null {
  const found = /^base_model\.model\.(.+?)\.(\w+)(?:\.default)?(?:\.weight)?$/.exec(key);
  return found !== null && parts.includes(found[2]!) ? { path: found[1]!, part: found[2]! } : null;
}

/** `a, b, c and 2 more` */
const listed = (names: readonly string[]): string =>
  `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;
