// SPDX-License-Identifier: Apache-2.0
import { fromFloat32, toFloat32, type HostTensor } from '@llmf/core';
import {
  frozenTensor,
  tf,
  type LoadOptions,
  type Model,
  type Parameter,
  type WeightInfo,
  type WeightStorage,
} from '@llmf/nn';
import { modelFaults } from '../errors.js';
import { mayBePacked } from '../memory.js';
import { Checkpoint } from './checkpoint.js';
import { checkLoaded } from './finite-weights.js';
import { readModelConfig } from './model-config.js';
import { transposed } from './transposed.js';

/**
 * The model of a folder. Weights are read one after the other, so that memory peaks one weight above the result.
 * Trainable ones become f32 variables; frozen matrices are kept in `precision`, vectors in f32. Frozen ones that the
 * file holds in that form stay in the file where the backend maps files.
 * @throws LLMF_MODELS_…, LLMF_CORE_SAFETENSORS_…; what was loaded until then is freed.
 */
export async function loadModel(
  folder: string,
  { precision, isTrainable, find, mapFile }: LoadOptions,
): Promise<Model> {
  const config = await readModelConfig(folder);
  const architecture = find(config.model_type);
  const blocks = architecture.blocks(config);
  const checkpoint = await Checkpoint.open(folder, config, architecture, mapFile);
  const parameters = new Map<string, Parameter>();
  try {
    for (const [name, info] of checkpoint.weights) {
      const trainable = isTrainable(name, blocks);
      const value = trainable
        ? variableOf(await readValues(checkpoint, folder, name, info), info)
        : await frozenOf(checkpoint, folder, name, info, precision);
      parameters.set(name, { name, shape: info.shape, trainable, value });
    }
    const take = (name: string): Parameter => {
      const parameter = parameters.get(name);
      if (parameter === undefined) throw modelFaults.parameterUntabled({ name });
      return parameter;
    };
    return architecture.build(config, { take });
  } catch (error) {
    for (const { value } of parameters.values()) value.dispose();
    throw error;
  } finally {
    await checkpoint.close();
  }
}

/** As far as `loadModel` gets without reading a weight. @throws LLMF_MODELS_…, LLMF_CORE_SAFETENSORS_… */
export async function inspectModel(folder: string, find: LoadOptions['find']): Promise<void> {
  const config = await readModelConfig(folder);
  await (await Checkpoint.open(folder, config, find(config.model_type))).close();
}

function variableOf(values: Float32Array, info: WeightInfo): tf.Variable {
  const tensor = tf.tensor(values, [...info.shape], 'float32');
  const variable = tf.variable(tensor, true);
  tensor.dispose();
  return variable;
}

async function frozenOf(
  checkpoint: Checkpoint,
  folder: string,
  name: string,
  info: WeightInfo,
  precision: WeightStorage,
): Promise<tf.Tensor> {
  const storage = mayBePacked(info) ? precision : 'f32';
  const dtype = storage === 'bf16' ? 'BF16' : 'F32';
  const isReady = checkpoint.dtypeOf(name) === dtype && info.transposedOnDisk !== true;
  if (isReady) return frozenTensor(info.shape, storage, (await checkpoint.view(name)).data);
  return frozenTensor(info.shape, storage, fromFloat32(await readValues(checkpoint, folder, name, info), dtype));
}

/** Bytes that are read are looked at; those that stay in the file are not, and show in the first result. */
async function readValues(
  checkpoint: Checkpoint,
  folder: string,
  name: string,
  info: WeightInfo,
): Promise<Float32Array> {
  const values = valuesOf(await checkpoint.read(name), info);
  checkLoaded(folder, name, values);
  return values;
}

/** The values as llmf holds them, f32. */
function valuesOf(stored: HostTensor, { transposedOnDisk }: WeightInfo): Float32Array {
  const values = toFloat32(stored);
  return transposedOnDisk === true ? transposed(values, stored.shape[0]!, stored.shape[1]!) : values;
}
