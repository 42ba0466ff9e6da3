// SPDX-License-Identifier: Apache-2.0
import { nearest, type HostTensor, type MapFile, type SafetensorsDtype } from '@llmf/core';
import { isMatrix, type Architecture, type PackedWeight, type WeightFormat, type WeightInfo } from '@llmf/nn';
import { modelErrors } from '../errors.js';
import { classifierWeights, isClassifier, languageHead } from './classifier.js';
import type { ModelConfig } from './model-config.js';
import { openWeights } from './weight-store.js';
import type { PackedForms, WeightStore } from './stored-weights.js';

export interface CheckpointOptions {
  readonly mapFile?: MapFile | undefined;
  readonly forms: PackedForms;
  /** The language-model head is not wanted, whether the files hold it or not. */
  readonly isHeadless?: boolean;
}

/** The weights of a model folder under the names and shapes of its architecture, checked before any is read. */
export class Checkpoint {
  private constructor(
    private readonly store: WeightStore,
    /** As the files complete it. */
    readonly config: ModelConfig,
    readonly weights: ReadonlyMap<string, WeightInfo>,
    /** Shapes of the language-model head's weights, where it is not wanted. */
    readonly leftOut: ReadonlyMap<string, readonly number[]>,
    private readonly keyOf: ReadonlyMap<string, string>,
    private readonly mapFile: MapFile | undefined,
  ) {}

  /** @throws LLMF_MODELS_WEIGHT_… naming tensor, got and expected shapes; LLMF_CORE_SAFETENSORS_… */
  static async open(
    folder: string,
    given: ModelConfig,
    architecture: Architecture,
    { mapFile, forms, isHeadless = false }: CheckpointOptions,
  ): Promise<Checkpoint> {
    architecture.blocks(given); // a config that cannot be computed is told first
    const store = await openWeights(folder, forms);
    try {
      const config = completedConfig(given, architecture, store);
      const leftOut = isHeadless ? languageHead(config, architecture) : noWeights;
      const weights = without(architecture.weights(config), leftOut);
      const keyOf = without(withoutClassifierHead(config, architecture, keysByName(store, architecture)), leftOut);
      const tied = without(architecture.tied?.(config) ?? new Map<string, string>(), leftOut);
      checkNames(folder, store, weights, keyOf, tied);
      checkTensors(folder, store, weights, keyOf);
      await checkTied(folder, store, keyOf, tied, mapFile);
      return new Checkpoint(store, config, weights, leftOut, keyOf, mapFile);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** The dtype of the file; of a weight in fewer bits there is none. */
  dtypeOf(name: string): SafetensorsDtype {
    return this.store.tensors.get(this.keyOf.get(name)!)!.dtype;
  }

  /** The format that the file keeps a weight in, where that is one of fewer bits. */
  formatOf(name: string): WeightFormat | null {
    return this.store.packed.get(this.keyOf.get(name)!)?.format ?? null;
  }

  /** Bytes of a weight in fewer bits. */
  bytesOf(name: string): number {
    return this.store.packed.get(this.keyOf.get(name)!)!.bytes;
  }

  /** A weight in fewer bits, where possible without a copy. */
  async packed(name: string): Promise<PackedWeight> {
    const { format, shape, read } = this.store.packed.get(this.keyOf.get(name)!)!;
    return { format, shape, parts: await read(this.mapFile) };
  }

  /** As `read`, where possible without a copy; not to be written. */
  async view(name: string): Promise<HostTensor> {
    return await viewOf(this.store, this.keyOf.get(name)!, this.mapFile);
  }

  /** As stored: shape and dtype of the file. */
  async read(name: string): Promise<HostTensor> {
    return await this.store.read(this.keyOf.get(name)!);
  }

  async close(): Promise<void> {
    await this.store.close();
  }
}

const noWeights: ReadonlyMap<string, readonly number[]> = new Map();

function completedConfig(config: ModelConfig, architecture: Architecture, store: WeightStore): ModelConfig {
  if (architecture.completed === undefined) return config;
  const names = keysByName(store, architecture);
  return architecture.completed(config, (name) => names.has(name)) as ModelConfig;
}

const without = <T>(map: ReadonlyMap<string, T>, names: ReadonlyMap<string, unknown>): ReadonlyMap<string, T> =>
  names.size === 0 ? map : new Map([...map].filter(([name]) => !names.has(name)));

/** The head's own weights are read apart, by their keys: see `readClassifierHead`. */
function withoutClassifierHead(
  config: ModelConfig,
  architecture: Architecture,
  keyOf: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  if (!isClassifier(config)) return keyOf;
  const isOfHead = classifierWeights(config, architecture);
  return new Map([...keyOf].filter(([, key]) => !isOfHead(key)));
}

/** The file's keys by the architecture's names. */
export function keysByName(store: WeightStore, { renameWeight }: Architecture): Map<string, string> {
  const pairs = [...store.tensors.keys(), ...store.packed.keys()].flatMap((key) => {
    const name = renameWeight === undefined ? key : renameWeight(key);
    return name === null ? [] : [[name, key] as const];
  });
  return new Map(pairs);
}

function checkNames(
  folder: string,
  store: WeightStore,
  weights: ReadonlyMap<string, WeightInfo>,
  keyOf: ReadonlyMap<string, string>,
  tied: ReadonlyMap<string, string>,
): void {
  const missing = [...weights].filter(([name]) => !keyOf.has(name));
  const unexpected = [...keyOf].filter(([name]) => !weights.has(name) && !tied.has(name));
  if (missing.length > 0) {
    const [tensor, { shape }] = missing[0]!;
    const similar = nearest(
      tensor,
      unexpected.length > 0 ? unexpected.map(([, key]) => key) : [...store.tensors.keys(), ...store.packed.keys()],
    );
    throw modelErrors.weightMissing({ folder, tensor, shape, nearest: similar.slice(0, 3), more: missing.length - 1 });
  }
  if (unexpected.length > 0) {
    const key = unexpected[0]![1];
    const { shape } = placeOf(store, key);
    throw modelErrors.weightUnexpected({ folder, tensor: key, shape, more: unexpected.length - 1 });
  }
}

const floatingPoint = new Set(['F32', 'F16', 'BF16', 'F64']);

function checkTensors(
  folder: string,
  store: WeightStore,
  weights: ReadonlyMap<string, WeightInfo>,
  keyOf: ReadonlyMap<string, string>,
): void {
  for (const [name, info] of weights) {
    const tensor = keyOf.get(name)!;
    const got = placeOf(store, tensor);
    const expected = info.transposedOnDisk === true ? info.shape.toReversed() : info.shape;
    if (got.shape.join() !== expected.join())
      throw modelErrors.weightShape({ folder, tensor, got: got.shape, expected });
    if ('dtype' in got && !floatingPoint.has(got.dtype))
      throw modelErrors.weightDtype({ folder, tensor, got: got.dtype });
    const mayBePacked = isMatrix(info) && info.transposedOnDisk !== true;
    if ('format' in got && !mayBePacked) throw modelErrors.weightDtype({ folder, tensor, got: got.format.name });
  }
}

const placeOf = (store: WeightStore, key: string) => store.tensors.get(key) ?? store.packed.get(key)!;

/** Where a file holds both names of one weight, it must hold the same values. */
async function checkTied(
  folder: string,
  store: WeightStore,
  keyOf: ReadonlyMap<string, string>,
  tied: ReadonlyMap<string, string>,
  mapFile: MapFile | undefined,
): Promise<void> {
  for (const [name, other] of tied) {
    const tensor = keyOf.get(name);
    if (tensor === undefined) continue;
    const one = await bytesOf(store, tensor, mapFile);
    const two = await bytesOf(store, keyOf.get(other)!, mapFile);
    const isSame = one.length === two.length && one.every((part, index) => Buffer.compare(part, two[index]!) === 0);
    if (!isSame) throw modelErrors.tiedWeightsDiffer({ folder, tensor, tied: other });
  }
}

const viewOf = async (store: WeightStore, key: string, mapFile: MapFile | undefined): Promise<HostTensor> =>
  (mapFile && (await store.map(key, mapFile))) ?? (await store.read(key));

/** Everything that a weight is kept in. */
async function bytesOf(store: WeightStore, key: string, mapFile: MapFile | undefined): Promise<Uint8Array[]> {
  const packed = store.packed.get(key);
  if (packed === undefined) return [(await viewOf(store, key, mapFile)).data];
  return Object.values(await packed.read(mapFile)).map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
}
