// SPDX-License-Identifier: Apache-2.0
import {
  nearest,
  openSafetensorsFolder,
  type HostTensor,
  type MapFile,
  type SafetensorsDtype,
  type TensorStore,
} from '@llmf/core';
import type { Architecture, WeightInfo } from '@llmf/nn';
import { modelErrors } from '../errors.js';
import { isClassifier, isClassifierWeight } from './classifier.js';
import type { ModelConfig } from './model-config.js';

export interface CheckpointOptions {
  readonly mapFile?: MapFile | undefined;
  /** Weights of the architecture that are not wanted, whether the files hold them or not. */
  readonly leftOut?: ReadonlyMap<string, unknown>;
}

/** The weights of a model folder under the names and shapes of its architecture, checked before any is read. */
export class Checkpoint {
  private constructor(
    private readonly store: TensorStore,
    readonly weights: ReadonlyMap<string, WeightInfo>,
    private readonly keyOf: ReadonlyMap<string, string>,
    private readonly mapFile: MapFile | undefined,
  ) {}

  /** @throws LLMF_MODELS_WEIGHT_… naming tensor, got and expected shapes; LLMF_CORE_SAFETENSORS_… */
  static async open(
    folder: string,
    config: ModelConfig,
    architecture: Architecture,
    { mapFile, leftOut = new Map() }: CheckpointOptions = {},
  ): Promise<Checkpoint> {
    const weights = without(architecture.weights(config), leftOut);
    const store = await openSafetensorsFolder(folder);
    try {
      const keyOf = without(withoutClassifierHead(config, keysByName(store, architecture)), leftOut);
      const tied = without(architecture.tied?.(config) ?? new Map<string, string>(), leftOut);
      checkNames(folder, store, weights, keyOf, tied);
      checkTensors(folder, store, weights, keyOf);
      await checkTied(folder, store, keyOf, tied, mapFile);
      return new Checkpoint(store, weights, keyOf, mapFile);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** The dtype of the file. */
  dtypeOf(name: string): SafetensorsDtype {
    return this.store.tensors.get(this.keyOf.get(name)!)!.dtype;
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

const without = <T>(map: ReadonlyMap<string, T>, names: ReadonlyMap<string, unknown>): ReadonlyMap<string, T> =>
  names.size === 0 ? map : new Map([...map].filter(([name]) => !names.has(name)));

/** The head's own weights are read apart, by their keys: see `readClassifierHead`. */
function withoutClassifierHead(config: ModelConfig, keyOf: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return isClassifier(config) ? new Map([...keyOf].filter(([, key]) => !isClassifierWeight(key))) : keyOf;
}

/** The file's keys by the architecture's names. */
export function keysByName(store: TensorStore, { renameWeight }: Architecture): Map<string, string> {
  const pairs = [...store.tensors.keys()].flatMap((key) => {
    const name = renameWeight === undefined ? key : renameWeight(key);
    return name === null ? [] : [[name, key] as const];
  });
  return new Map(pairs);
}

function checkNames(
  folder: string,
  store: TensorStore,
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
      unexpected.length > 0 ? unexpected.map(([, key]) => key) : [...store.tensors.keys()],
    );
    throw modelErrors.weightMissing({ folder, tensor, shape, nearest: similar.slice(0, 3), more: missing.length - 1 });
  }
  if (unexpected.length > 0) {
    const key = unexpected[0]![1];
    const { shape } = store.tensors.get(key)!;
    throw modelErrors.weightUnexpected({ folder, tensor: key, shape, more: unexpected.length - 1 });
  }
}

const floatingPoint = new Set(['F32', 'F16', 'BF16', 'F64']);

function checkTensors(
  folder: string,
  store: TensorStore,
  weights: ReadonlyMap<string, WeightInfo>,
  keyOf: ReadonlyMap<string, string>,
): void {
  for (const [name, { shape, transposedOnDisk }] of weights) {
    const tensor = keyOf.get(name)!;
    const got = store.tensors.get(tensor)!;
    const expected = transposedOnDisk === true ? shape.toReversed() : shape;
    if (got.shape.join() !== expected.join())
      throw modelErrors.weightShape({ folder, tensor, got: got.shape, expected });
    if (!floatingPoint.has(got.dtype)) throw modelErrors.weightDtype({ folder, tensor, got: got.dtype });
  }
}

/** Where a file holds both names of one weight, it must hold the same values. */
async function checkTied(
  folder: string,
  store: TensorStore,
  keyOf: ReadonlyMap<string, string>,
  tied: ReadonlyMap<string, string>,
  mapFile: MapFile | undefined,
): Promise<void> {
  for (const [name, other] of tied) {
    const tensor = keyOf.get(name);
    if (tensor === undefined) continue;
    const one = await viewOf(store, tensor, mapFile);
    const two = await viewOf(store, keyOf.get(other)!, mapFile);
    if (Buffer.compare(one.data, two.data) !== 0) throw modelErrors.tiedWeightsDiffer({ folder, tensor, tied: other });
  }
}

const viewOf = async (store: TensorStore, key: string, mapFile: MapFile | undefined): Promise<HostTensor> =>
  (mapFile && (await store.map(key, mapFile))) ?? (await store.read(key));
