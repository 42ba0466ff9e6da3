// SPDX-License-Identifier: Apache-2.0
import { toFloat32, type HostTensor, type SafetensorsDtype } from '@llmf/core';
import {
  expandedRows,
  f32,
  formatOfDtype,
  frozenTensor,
  frozenWeight,
  isMatrix,
  outlineTensor,
  packWeight,
  tf,
  transposed,
  type ChosenFormat,
  type ElementFormat,
  type LoadOptions,
  type Model,
  type ModelFacts,
  type PackedWeight,
  type Parameter,
  type WeightFormat,
  type WeightInfo,
  type WeightOutline,
} from '@llmf/nn';
import { modelErrors, modelFaults } from '../errors.js';
import { Checkpoint } from './checkpoint.js';
import { isClassifier, keepsLanguageHead } from './classifier.js';
import { checkLoaded } from './finite-weights.js';
import { readModelConfig } from './model-config.js';
import type { PackedForms } from './stored-weights.js';
import { absentParameter, withoutHead } from './without-head.js';

/**
 * The model of a folder. Weights are read one after the other, so that memory peaks one weight above the result.
 * Trainable ones become f32 variables; frozen matrices are kept as the file has them, or in the format asked for; vectors
 * in f32. Frozen ones that the file holds in that form stay in the file where the backend maps files. A classifier's folder
 * gives a model without a language-model head.
 * @throws LLMF_MODELS_…, LLMF_CORE_SAFETENSORS_…; what was loaded until then is freed.
 */
export async function loadModel(folder: string, options: LoadOptions, forms: PackedForms): Promise<Model> {
  const { formats, isTrainable, find, mapFile, outline = false, shared = new Map<string, Parameter>() } = options;
  const given = await readModelConfig(folder);
  const architecture = find(given.model_type);
  const isHeadless = (options.withoutHead === true && !keepsLanguageHead(architecture)) || isClassifier(given);
  const checkpoint = await Checkpoint.open(folder, given, architecture, { mapFile, forms, isHeadless });
  const { config, leftOut } = checkpoint;
  const blocks = architecture.blocks(config);
  const parameters = new Map<string, Parameter>();
  try {
    const chosen = formats?.(checkpoint.weights);
    checkKept(folder, chosen, (name) => isTrainable(name, blocks));
    checkPacked(folder, checkpoint, chosen, (name) => isTrainable(name, blocks));
    for (const [name, info] of checkpoint.weights) {
      if (shared.has(name)) continue;
      const trainable = info.isUnread !== true && isTrainable(name, blocks);
      const value = outline
        ? outlineTensor(outlineOfWeight(checkpoint, name, info, trainable ? float32 : chosen?.get(name)))
        : trainable
          ? variableOf(await readValues(checkpoint, folder, name, info), info)
          : await frozenOf(checkpoint, folder, name, info, chosen?.get(name));
      parameters.set(name, { name, shape: info.shape, trainable, value });
    }
    const take = (name: string): Parameter => {
      const absent = leftOut.get(name);
      const parameter = shared.get(name) ?? parameters.get(name) ?? (absent && absentParameter(name, absent));
      if (parameter === undefined) throw modelFaults.parameterUntabled({ name });
      return parameter;
    };
    const model = architecture.build(config, { take });
    return isHeadless ? withoutHead(model, folder, leftOut) : model;
  } catch (error) {
    for (const { value } of parameters.values()) value.dispose();
    throw error;
  } finally {
    await checkpoint.close();
  }
}

/** As far as `loadModel` gets without reading a weight. @throws LLMF_MODELS_…, LLMF_CORE_SAFETENSORS_… */
export async function inspectModel(folder: string, find: LoadOptions['find'], forms: PackedForms): Promise<ModelFacts> {
  const config = await readModelConfig(folder);
  const architecture = find(config.model_type);
  const checkpoint = await Checkpoint.open(folder, config, architecture, { forms, isHeadless: isClassifier(config) });
  await checkpoint.close();
  const weights = [...checkpoint.weights];
  return {
    parameters: weights.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0),
    weightBytes(formats) {
      const chosen = formats?.(checkpoint.weights);
      checkPacked(folder, checkpoint, chosen, () => false);
      return weights.reduce((sum, [name, info]) => sum + keptBytes(checkpoint, name, info, chosen?.get(name)), 0);
    },
  };
}

const float32: ChosenFormat = { format: f32, options: {} };

const outlineOfWeight = (
  checkpoint: Checkpoint,
  name: string,
  info: WeightInfo,
  chosen: ChosenFormat | undefined,
): WeightOutline => ({
  name,
  shape: info.shape,
  format: (chosen?.format ?? checkpoint.formatOf(name) ?? ownFormat(checkpoint.dtypeOf(name), info)).name,
  bytes: keptBytes(checkpoint, name, info, chosen),
});

/** Bytes of a frozen weight in memory, or in its file where that is mapped. */
function keptBytes(checkpoint: Checkpoint, name: string, info: WeightInfo, chosen: ChosenFormat | undefined): number {
  const stored = checkpoint.formatOf(name);
  if (stored !== null && (chosen === undefined || chosen.format.name === stored.name)) return checkpoint.bytesOf(name);
  const { format, options } = chosen ?? { format: ownFormat(checkpoint.dtypeOf(name), info), options: {} };
  return format.bytes(info.shape, options);
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Matrices as their file has them; vectors, and dtypes without a format, as float32. */
const ownFormat = (dtype: SafetensorsDtype, info: WeightInfo): ElementFormat =>
  (isMatrix(info) || dtype === 'F32' ? formatOfDtype(dtype) : undefined) ?? f32;

/** A format that is asked for and that nothing would be kept in is a mistake. @throws LLMF_MODELS_TRAINED_IN_FORMAT */
function checkKept(
  folder: string,
  chosen: ReadonlyMap<string, ChosenFormat> | undefined,
  isTrained: (parameter: string) => boolean,
): void {
  if (chosen === undefined || ![...chosen.keys()].every(isTrained)) return;
  const format = [...chosen.values()][0]?.format.name ?? 'no format';
  throw modelErrors.trainedInFormat({ folder, format, weights: chosen.size });
}

/**
 * What the files keep in fewer bits is not trained, nor rounded a second time.
 * @throws LLMF_MODELS_TRAINED_PACKED, LLMF_MODELS_PACKED_TWICE
 */
function checkPacked(
  folder: string,
  checkpoint: Checkpoint,
  chosen: ReadonlyMap<string, ChosenFormat> | undefined,
  isTrained: (parameter: string) => boolean,
): void {
  for (const name of checkpoint.weights.keys()) {
    const stored = checkpoint.formatOf(name)?.name;
    if (stored === undefined) continue;
    if (isTrained(name)) throw modelErrors.trainedPacked({ folder, tensor: name, format: stored });
    const asked = chosen?.get(name)?.format;
    if (asked !== undefined && asked.name !== stored && asked.dtype === undefined) {
      throw modelErrors.packedTwice({ folder, tensor: name, got: stored, asked: asked.name });
    }
  }
}

function variableOf(values: Float32Array, info: WeightInfo): tf.Variable {
  const tensor = tf.tensor(values, [...info.shape], 'float32');
  const variable = tf.variable(tensor, true);
  tensor.dispose();
  return variable;
}

/** As the file has it unless a format is chosen. */
async function frozenOf(
  checkpoint: Checkpoint,
  folder: string,
  name: string,
  info: WeightInfo,
  chosen: ChosenFormat | undefined,
): Promise<tf.Tensor> {
  const stored = checkpoint.formatOf(name);
  if (stored !== null) return frozenWeight(await packedAs(checkpoint, name, chosen?.format ?? stored));
  const dtype = checkpoint.dtypeOf(name);
  const own = ownFormat(dtype, info);
  const { format, options } = chosen ?? { format: own, options: {} };
  if (format === own && own.dtype === dtype) {
    return frozenTensor(info.shape, own, await bytesOf(checkpoint, name, info, own));
  }
  const source =
    own.dtype === dtype
      ? { format: own, shape: info.shape, parts: { values: own.view(await bytesOf(checkpoint, name, info, own)) } }
      : { format: f32, shape: info.shape, parts: { values: await readValues(checkpoint, folder, name, info) } };
  return frozenWeight(packWeight(source, { format, options }, (values) => checkLoaded(folder, name, values)));
}

/** A weight in fewer bits as its file keeps it, or expanded into plain elements. */
async function packedAs(checkpoint: Checkpoint, name: string, format: WeightFormat): Promise<PackedWeight> {
  const weight = await checkpoint.packed(name);
  if (format.name === weight.format.name) return weight;
  const values = expandedRows(weight, 0, weight.shape[0]!);
  return { format, shape: weight.shape, parts: format.pack(values, weight.shape, {}) };
}

/** The weight's bytes as llmf holds it: where the file has them already, or turned. */
async function bytesOf(
  checkpoint: Checkpoint,
  name: string,
  { transposedOnDisk }: WeightInfo,
  format: ElementFormat,
): Promise<Uint8Array> {
  if (transposedOnDisk !== true) return (await checkpoint.view(name)).data;
  const { data, shape } = await checkpoint.read(name);
  const { buffer, byteOffset, byteLength } = transposed(format.view(data), shape[0]!, shape[1]!);
  return new Uint8Array(buffer, byteOffset, byteLength);
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
