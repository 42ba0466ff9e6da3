// SPDX-License-Identifier: Apache-2.0
import type { Model } from '../contracts/index.js';
import type { AdapterFolder } from './adapter-folder.js';
import type { LoraConfig } from './lora-form.js';

type File = Pick<AdapterFolder<LoraConfig>, 'config' | 'misfit'>;

/**
 * Every layer of a block that `target_modules` names has its tensors: those that a file lacks would stay as they are here,
 * and PEFT would draw them at random.
 * @param found paths of the layers that the file has
 * @throws LLMF_NN_ADAPTER_FILE
 */
export function checkWhole(model: Model, { config, misfit }: File, found: ReadonlySet<string>): void {
  const { target_modules: names, layers_to_transform, exclude_modules, modules_to_save: whole } = config;
  // Where something else says which layers are meant, names alone do not tell.
  if (!Array.isArray(names) || isGiven(layers_to_transform) || isGiven(exclude_modules)) return;
  const lacking = [...model.linears.keys()].filter((path) => {
    const today = model.moduleNames?.toTransformers(path) ?? path;
    const isNamed = (name: unknown) => today === name || today.endsWith(`.${String(name)}`);
    return !found.has(path) && names.some(isNamed) && !(whole ?? []).some(isNamed) && isInBlock(model, path);
  });
  if (lacking.length === 0) return;
  const more = lacking.length > 3 ? ` and ${lacking.length - 3} more` : '';
  throw misfit(
    `no tensors for ${lacking.slice(0, 3).join(', ')}${more}`,
    'some for every layer that target_modules names',
  );
}

/** Experts aside, which Transformers stacks: no name means a layer of one. */
const isInBlock = ({ blocks, expertLayers }: Model, path: string): boolean =>
  blocks.some((block) => path.startsWith(`${block}.`)) &&
  ![...(expertLayers?.keys() ?? [])].some((experts) => path.startsWith(`${experts}.`));

const isGiven = (value: unknown): boolean =>
  value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
