// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addFilesAtomic, fromFloat32, type TensorToWrite } from '@llmf/core';
import {
  changesLayer,
  layerPaths,
  peftHeadKey,
  tf,
  type Architecture,
  type AttachedAdapter,
  type Head,
  type SaveOptions,
} from '@llmf/nn';
import { ggufOf } from '../gguf/gguf-folder.js';
import { copyCompanions } from './companion-files.js';
import { checkSaved } from './finite-weights.js';
import { hubIdOf } from './locate-model.js';
import { readModelConfig } from './model-config.js';
import { writeAndReadBack } from './read-back.js';
import { headTensors, partHeads, writeHeadsBeside } from './save-heads.js';

/**
 * Writes an adapter as PEFT does: adapter_model.safetensors (f32) and adapter_config.json, tokenizer files carried along.
 * A head in the language model's place becomes a module to save of the task SEQ_CLS.
 * @param source folder of the base model, named in the config (a snapshot of the hub's cache by its hub id, that of a GGUF file as the file)
 * @param find the base model's architecture
 * @throws LLMF_CORE_NO_SPACE
 */
export async function saveAdapter(
  adapter: AttachedAdapter,
  folder: string,
  { source, companions, heads, verify }: Omit<SaveOptions, 'dtype'>,
  find: (modelType: string) => Architecture,
): Promise<void> {
  const made = adapter.saved?.();
  const tensors: TensorToWrite[] = [...(made ?? adapter.variables)].map(([name, tensor]) => ({
    name,
    dtype: 'F32',
    shape: tensor.shape,
    data: async () => {
      const values = (await tensor.data()) as Float32Array;
      checkSaved(folder, name, values, 'F32');
      return fromFloat32(values, 'F32');
    },
  }));
  const { classifier, beside } = partHeads(heads);
  if (classifier !== null) tensors.push(...headTensors(folder, classifier, 'F32', peftHeadKey));
  const config = {
    ...adapter.peftConfig,
    ...(classifier === null ? {} : classifierKeys(classifier.head)),
    base_model_name_or_path: ggufOf(source) ?? hubIdOf(source) ?? source,
    ...('fan_in_fan_out' in adapter.peftConfig ? { fan_in_fan_out: await isTransposed(adapter, source, find) } : {}),
  };
  const write = addFilesAtomic(
    folder,
    async (temporary) => {
      await copyCompanions(source, temporary);
      await companions?.(temporary);
      await writeAndReadBack(join(temporary, 'adapter_model.safetensors'), tensors);
      await writeHeadsBeside(temporary, beside);
      await writeFile(join(temporary, 'adapter_config.json'), `${JSON.stringify(config, null, 2)}\n`);
      await verify?.(temporary);
    },
    ['adapter_config.json'],
  );
  await write.finally(() => tf.dispose([...(made?.values() ?? [])]));
}

/**
 * As PEFT 0.21 writes them for every classifier (peft_model.py, PeftModelForSequenceClassification and …Token…); layers of
 * the head that have other names (an encoder's pooler) are named too.
 */
function classifierKeys(head: Head): Readonly<Record<string, unknown>> {
  const usual = ['classifier', 'score'];
  const others = layerPaths(head).filter((path) => !usual.includes(path.split('.')[0]!));
  return { task_type: head.at === 'token' ? 'TOKEN_CLS' : 'SEQ_CLS', modules_to_save: [...usual, ...others] };
}

/** PEFT's `fan_in_fan_out`: the adapted layers are stored [in, out], as GPT-2's Conv1D. */
async function isTransposed(
  adapter: AttachedAdapter,
  source: string,
  find: (modelType: string) => Architecture,
): Promise<boolean> {
  const config = await readModelConfig(source);
  const weights = [...find(config.model_type).weights(config)];
  const transposed = weights.filter(([, info]) => info.transposedOnDisk === true).map(([name]) => name);
  return transposed.some((name) => changesLayer(adapter, name.replace(/\.weight$/, '')));
}
