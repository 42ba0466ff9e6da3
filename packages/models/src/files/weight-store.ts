// SPDX-License-Identifier: Apache-2.0
import { nearest, openSafetensorsFolder, type TensorStore } from '@llmf/core';
import type { StoredPacked, WeightLayout } from '@llmf/nn';
import { ggufOf } from '../gguf/gguf-folder.js';
import { modelErrors } from '../errors.js';
import { openGgufStore } from '../gguf/gguf-store.js';
import { readQuantization } from './model-config.js';
import type { PackedForms, WeightStore } from './stored-weights.js';

/** Opens what a model folder, or the GGUF file that it stands for, holds. The caller closes it. */
export async function openWeights(folder: string, forms: PackedForms): Promise<WeightStore> {
  const file = ggufOf(folder);
  if (file !== null) return await openGgufStore(file, (name) => forms.formats().find((each) => each.name === name));
  const settings = await readQuantization(folder);
  const store = await openSafetensorsFolder(folder);
  if (settings === null) return withPacked(store, store.tensors, new Map());
  try {
    const packed = await layoutOf(folder, settings, forms).open({ folder, settings, store });
    const parts = new Set([...packed.values()].flatMap(({ tensors }) => tensors));
    return withPacked(store, new Map([...store.tensors].filter(([key]) => !parts.has(key))), packed);
  } catch (error) {
    await store.close();
    throw error;
  }
}

const withPacked = (
  store: TensorStore,
  tensors: TensorStore['tensors'],
  packed: ReadonlyMap<string, StoredPacked>,
): WeightStore => ({
  tensors,
  packed,
  metadata: store.metadata,
  read: (name) => store.read(name),
  map: (name, mapFile) => store.map(name, mapFile),
  close: () => store.close(),
});

/** @throws LLMF_MODELS_QUANT_METHOD */
function layoutOf(folder: string, settings: Readonly<Record<string, unknown>>, forms: PackedForms): WeightLayout {
  const method = String(settings['quant_method'] ?? (settings['load_in_4bit'] === undefined ? 'none' : 'bitsandbytes'));
  const layouts = forms.layouts();
  const layout = layouts.find(({ name }) => name === method);
  if (layout !== undefined) return layout;
  const known = nearest(
    method,
    layouts.map(({ name }) => name),
  );
  throw modelErrors.quantMethod({ folder, got: method, known });
}
