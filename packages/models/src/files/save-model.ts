// SPDX-License-Identifier: Apache-2.0
import { readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  makeFolder,
  addFilesAtomic,
  byteLength,
  fromFloat32,
  writeFolderAtomic,
  type HostTensor,
  type SafetensorsDtype,
  type TensorToWrite,
  entriesIfThere,
  readIfThere,
} from '@llmf/core';
import {
  elementsOf,
  packedOf,
  transposed,
  type Architecture,
  type LayoutWriter,
  type PackedWeight,
  type Model,
  type Parameter,
  type SaveOptions,
  type WeightInfo,
} from '@llmf/nn';
import { keysByName } from './checkpoint.js';
import { classifierConfig } from './classifier.js';
import { copyCompanions } from './companion-files.js';
import { checkSaved } from './finite-weights.js';
import { configText } from './model-config.js';
import { writeAndReadBack } from './read-back.js';
import { headTensors, partHeads, writeHeadsBeside } from './save-heads.js';
import { bytesOfSize } from './shard-size.js';
import { openWeights } from './weight-store.js';
import type { PackedForms } from './stored-weights.js';

export interface SaveSettings {
  readonly architecture: Architecture;
  readonly forms: PackedForms;
  /** Weights above this many bytes are split into several files. */
  readonly shardBytes: number;
}

/**
 * Writes a model as a Hugging Face folder: config.json with its dtype brought up to date, weights in file order (shards
 * above `shardBytes`), tokenizer, templates and generation settings carried along. The folder, or where it exists
 * already each file, appears whole. With a head in the language model's place it is a sequence classifier's.
 * @throws LLMF_CORE_NO_SPACE
 */
export async function saveModel(
  model: Model,
  folder: string,
  { source, dtype, companions, values, heads, verify, layout, maxShardSize }: SaveOptions,
  { architecture, forms, ...settings }: SaveSettings,
): Promise<void> {
  const shardBytes = maxShardSize === undefined ? settings.shardBytes : bytesOfSize(maxShardSize);
  const dtypeOf = dtype === 'auto' ? await sourceDtypes(source, architecture, forms) : () => dtype;
  const infos = architecture.weights({ ...model.config });
  const { classifier, beside } = partHeads(heads);
  const kept = keptWeights(model, layout?.writer);
  const plain = [...model.parameters.values()]
    .filter(({ name }) => !kept.has(name))
    .map((parameter) => tensorToWrite(folder, parameter, infos.get(parameter.name), dtypeOf(parameter.name), values));
  if (classifier !== null) plain.push(...headTensors(folder, classifier, commonDtype(plain)));
  const packed = [...kept].flatMap(([name, weight]) => laidOut(layout!.writer.tensors(name, weight, dtypeOf(name))));
  const tensors = [...plain, ...packed].map((tensor) => ({ ...tensor, name: fileName(architecture, tensor.name) }));
  const fill = async (temporary: string) => {
    await copyCompanions(source, temporary);
    await companions?.(temporary);
    await writeWeights(temporary, tensors, shardBytes);
    await writeHeadsBeside(temporary, beside);
    const ofModel = classifier === null ? model.config : classifierConfig(model.config, classifier.head);
    const config = { ...withDtype(ofModel, plain), ...quantizationOf(layout, kept, infos, architecture) };
    const given = (await readIfThere(join(source, 'config.json'))) ?? '';
    await writeFile(join(temporary, 'config.json'), configText(config, given));
    await verify?.(temporary);
  };
  if (await holdsFiles(folder)) {
    await addFilesAtomic(folder, fill, ['model.safetensors.index.json', 'config.json']);
    await removeStaleWeights(folder, shardsOf(tensors, shardBytes).length);
  } else {
    makeFolder(dirname(folder));
    await writeFolderAtomic(folder, fill);
  }
}

/** What a weight is called in the file. */
const fileName = ({ moduleNames, namesWeightsAsModules }: Architecture, name: string): string =>
  namesWeightsAsModules === true ? (moduleNames?.toTransformers(name) ?? name) : name;

/** The weights in fewer bits that a layout has a place for. */
function keptWeights({ parameters }: Model, writer: LayoutWriter | undefined): Map<string, PackedWeight> {
  const kept = new Map<string, PackedWeight>();
  for (const { name, value } of parameters.values()) {
    const packed = packedOf(value);
    if (packed !== null && writer?.formats.includes(packed.format.name) === true) kept.set(name, packed);
  }
  return kept;
}

const laidOut = (tensors: Readonly<Record<string, HostTensor>>): TensorToWrite[] =>
  Object.entries(tensors).map(([name, { dtype, shape, data }]) => ({ name, dtype, shape, data: () => data }));

/** `quantization_config` of a folder that keeps weights in fewer bits, as an entry of config.json. */
function quantizationOf(
  layout: SaveOptions['layout'],
  kept: ReadonlyMap<string, PackedWeight>,
  infos: ReadonlyMap<string, WeightInfo>,
  { moduleNames }: Architecture,
): Record<string, unknown> {
  const [first] = kept.values();
  if (first === undefined) return {};
  const paths = [...infos].flatMap(([name, { kind }]) =>
    kind === 'linear' && !kept.has(name) ? [name.replace(/\.weight$/, '')] : [],
  );
  const plain = paths.map((path) => moduleNames?.toTransformers(path) ?? path);
  return { quantization_config: layout!.writer.settings(first.format, { ...layout!.options }, plain) };
}

/** That of the other weights where they share one. */
function commonDtype(tensors: readonly TensorToWrite[]): SafetensorsDtype {
  const [dtype = 'F32', ...others] = new Set(tensors.map((tensor) => tensor.dtype));
  return others.length === 0 ? dtype : 'F32';
}

function tensorToWrite(
  folder: string,
  parameter: Parameter,
  info: WeightInfo | undefined,
  dtype: SafetensorsDtype,
  valuesOf: SaveOptions['values'] = () => null,
): TensorToWrite {
  const { name, shape, value } = parameter;
  const isTurned = info?.transposedOnDisk === true;
  return {
    name,
    dtype,
    shape: isTurned ? shape.toReversed() : shape,
    data: async () => {
      const given = valuesOf(name);
      const packed = given === null ? packedOf(value) : null;
      const elements = packed === null || isTurned || dtype === 'F16' ? null : elementsOf(packed, dtype);
      if (elements !== null) {
        checkSaved(folder, name, elements, dtype);
        return bytesOf(elements);
      }
      const values = (await (given ?? value.data())) as Float32Array;
      checkSaved(folder, name, values, dtype);
      return fromFloat32(isTurned ? transposed(values, shape[0]!, shape[1]!) : values, dtype);
    },
  };
}

const bytesOf = ({ buffer, byteOffset, byteLength: length }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, length);

async function writeWeights(folder: string, tensors: readonly TensorToWrite[], shardBytes: number): Promise<void> {
  const shards = shardsOf(tensors, shardBytes);
  for (const [index, shard] of shards.entries()) {
    await writeAndReadBack(join(folder, shardName(index, shards.length)), shard);
  }
  if (shards.length === 1) return;
  const weightMap = shards.flatMap((shard, index) => shard.map(({ name }) => [name, shardName(index, shards.length)]));
  const totalSize = tensors.reduce((sum, tensor) => sum + byteLength(tensor), 0);
  const index = { metadata: { total_size: totalSize }, weight_map: Object.fromEntries(weightMap) as unknown };
  await writeFile(join(folder, 'model.safetensors.index.json'), `${JSON.stringify(index, null, 2)}\n`);
}

/** Consecutive tensors, each shard up to the limit; a tensor above it has a shard of its own. */
function shardsOf(tensors: readonly TensorToWrite[], shardBytes: number): TensorToWrite[][] {
  const shards: TensorToWrite[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const size = byteLength(tensor);
    if (bytes > 0 && bytes + size > shardBytes) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(tensor);
    bytes += size;
  }
  return shards;
}

function shardName(index: number, count: number): string {
  const digits = (value: number) => String(value).padStart(5, '0');
  return count === 1 ? 'model.safetensors' : `model-${digits(index + 1)}-of-${digits(count)}.safetensors`;
}

/** Weights of an earlier save in another number of files would be read instead of, or beside, the new ones. */
async function removeStaleWeights(folder: string, count: number): Promise<void> {
  const current = new Set(Array.from({ length: count }, (_, index) => shardName(index, count)));
  for (const name of await readdir(folder)) {
    const isWeights = /^model(-\d{5}-of-\d{5})?\.safetensors$/.test(name) && !current.has(name);
    if (isWeights || (count === 1 && name === 'model.safetensors.index.json')) await rm(join(folder, name));
  }
}

/** The source's dtype of each weight; BF16 for one in fewer bits, F32 where the source holds no such weight. */
async function sourceDtypes(
  source: string,
  architecture: Architecture,
  forms: PackedForms,
): Promise<(name: string) => SafetensorsDtype> {
  const store = await openWeights(source, forms);
  await store.close();
  const keyOf = keysByName(store, architecture);
  return (name) => {
    const key = keyOf.get(name) ?? '';
    return store.packed.has(key) ? 'BF16' : (store.tensors.get(key)?.dtype ?? 'F32');
  };
}

const dtypeNames: Partial<Record<SafetensorsDtype, string>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  F64: 'float64',
};

/**
 * The config with the dtype of its weights, where all share one: `dtype` and `torch_dtype` (of before Transformers 5)
 * wherever they stand, in the parts of the config too; at the top one of them at least.
 */
function withDtype(
  config: Readonly<Record<string, unknown>>,
  tensors: readonly TensorToWrite[],
): Readonly<Record<string, unknown>> {
  const [dtype, ...others] = new Set(tensors.map((tensor) => tensor.dtype));
  const name = dtype === undefined || others.length > 0 ? undefined : dtypeNames[dtype];
  if (name === undefined) return config;
  const isStated = 'dtype' in config || 'torch_dtype' in config;
  return { ...renamed(config, name), ...(isStated ? {} : { dtype: name }) };
}

function renamed(config: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  const entries = Object.entries(config).map(([key, value]): [string, unknown] => {
    if (key === 'dtype' || key === 'torch_dtype') return [key, name];
    const isPart = typeof value === 'object' && value !== null && !Array.isArray(value);
    return [key, isPart ? renamed(value as Record<string, unknown>, name) : value];
  });
  return Object.fromEntries(entries);
}

const holdsFiles = async (folder: string): Promise<boolean> => (await entriesIfThere(folder)).length > 0;
