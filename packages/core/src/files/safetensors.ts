// SPDX-License-Identifier: Apache-2.0
/**
 * safetensors files: 8 bytes header length (little-endian), a JSON header { name: { dtype, shape, data_offsets } },
 * then the tensors' bytes without gaps. Format: https://huggingface.co/docs/safetensors, section "Format".
 * Tensors are read or mapped one at a time through a file descriptor; a header is believed only after it is checked.
 */
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { MapFile } from '../contracts/backend.js';
import { nearest } from '../text/nearest.js';
import { replaceFile } from './atomic-write.js';
import { fileErrors } from './file-errors.js';
import { Summing, type FileSum } from './file-sum.js';
import { readText } from './read-whole.js';
import { encodeHeader, parseHeader, type TensorPlace } from './safetensors-header.js';
import { byteLength, bytesPerElement, type HostTensor, type TensorInfo } from './tensor-info.js';
import { readInto, writeAll } from './transfer.js';

export * from './tensor-info.js';

/** Named tensors that can be read one at a time: a file, or the shards of a folder. */
export interface TensorStore {
  /** In file order. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The header's `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** @throws LLMF_CORE_SAFETENSORS_UNKNOWN, LLMF_CORE_SAFETENSORS_TRUNCATED. */
  read(name: string): Promise<HostTensor>;
  /**
   * The bytes where they lie in the file, not to be written. null where they cannot be mapped, or do not begin at a
   * multiple of their element's size.
   * @throws as `read`
   */
  map(name: string, mapFile: MapFile): Promise<HostTensor | null>;
  close(): Promise<void>;
}

/** All tensors of a file. @throws LLMF_CORE_SAFETENSORS_… naming file, tensor, got and expected. */
export async function readSafetensors(file: string): Promise<Record<string, HostTensor>> {
  const store = await openSafetensors(file);
  try {
    const tensors: Record<string, HostTensor> = {};
    for (const name of store.tensors.keys()) tensors[name] = await store.read(name);
    return tensors;
  } finally {
    await store.close();
  }
}

/** Opens a file and checks its header. The caller closes it. @throws LLMF_CORE_SAFETENSORS_… */
export async function openSafetensors(file: string): Promise<TensorStore> {
  const handle = await opened(file);
  try {
    const { tensors, metadata, dataStart } = await parseHeader(file, handle);
    return new SafetensorsFile(file, handle, tensors, metadata, dataStart);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Opens the weights of a model folder: `NAME.safetensors`, or the shards that `NAME.safetensors.index.json` lists.
 * @throws LLMF_CORE_NO_WEIGHTS, LLMF_CORE_SAFETENSORS_…
 */
export async function openSafetensorsFolder(folder: string, name = 'model'): Promise<TensorStore> {
  const found = await readdir(folder).catch((error: Error) => {
    throw fileErrors.safetensorsMissing({ file: folder, reason: error.message }, { cause: error });
  });
  // The single file first, as Transformers: an index beside it is left over from an earlier save.
  if (found.includes(`${name}.safetensors`)) return await openSafetensors(join(folder, `${name}.safetensors`));
  if (found.includes(`${name}.safetensors.index.json`)) return await openShards(folder, name);
  throw fileErrors.noWeights({ folder, found });
}

class SafetensorsFile implements TensorStore {
  constructor(
    private readonly file: string,
    private readonly handle: FileHandle,
    readonly tensors: ReadonlyMap<string, TensorPlace>,
    readonly metadata: Readonly<Record<string, string>>,
    private readonly dataStart: number,
  ) {}

  async read(name: string): Promise<HostTensor> {
    const { dtype, shape, position, length } = this.placeOf(name);
    const data = new Uint8Array(length);
    const got = await readInto(this.handle, data, position);
    if (got !== length) throw this.truncated(name, got, length);
    return { dtype, shape, data };
  }

  async map(name: string, mapFile: MapFile): Promise<HostTensor | null> {
    const { dtype, shape, position, length } = this.placeOf(name);
    if (length === 0 || position % bytesPerElement[dtype] !== 0) return null;
    const { size } = await this.handle.stat();
    if (size < position + length) throw this.truncated(name, Math.max(0, size - position), length);
    const data = mapFile(this.handle.fd, position, length);
    return data && { dtype, shape, data };
  }

  private placeOf(name: string): TensorInfo & { readonly position: number; readonly length: number } {
    const place = this.tensors.get(name);
    if (place === undefined) throw unknownTensor(this.file, name, this.tensors);
    return { ...place, position: this.dataStart + place.begin, length: place.end - place.begin };
  }

  private truncated(tensor: string, got: number, expected: number): Error {
    const facts = { got: `${got} bytes`, expected: `${expected} bytes` };
    return fileErrors.safetensorsTruncated({ file: this.file, tensor, ...facts });
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** The shards of one folder as one store. */
class SafetensorsShards implements TensorStore {
  readonly metadata = {};

  constructor(
    private readonly folder: string,
    readonly tensors: ReadonlyMap<string, TensorInfo>,
    private readonly shardOf: ReadonlyMap<string, TensorStore>,
  ) {}

  async read(name: string): Promise<HostTensor> {
    return await this.shard(name).read(name);
  }

  async map(name: string, mapFile: MapFile): Promise<HostTensor | null> {
    return await this.shard(name).map(name, mapFile);
  }

  private shard(name: string): TensorStore {
    const shard = this.shardOf.get(name);
    if (shard === undefined) throw unknownTensor(this.folder, name, this.tensors);
    return shard;
  }

  async close(): Promise<void> {
    for (const shard of new Set(this.shardOf.values())) await shard.close();
  }
}

async function openShards(folder: string, name: string): Promise<TensorStore> {
  const indexFile = join(folder, `${name}.safetensors.index.json`);
  const weightMap = await readWeightMap(indexFile);
  const shards = new Map<string, TensorStore>();
  try {
    for (const shard of new Set(weightMap.values())) shards.set(shard, await openSafetensors(join(folder, shard)));
    const tensors = new Map<string, TensorInfo>();
    const shardOf = new Map<string, TensorStore>();
    for (const [tensor, shard] of weightMap) {
      const info = shards.get(shard)!.tensors.get(tensor);
      if (info === undefined) {
        const got = `${tensor} in ${shard}, which does not hold it`;
        throw fileErrors.safetensorsIndex({ file: indexFile, got, expected: 'tensors that are in their shard' });
      }
      tensors.set(tensor, info);
      shardOf.set(tensor, shards.get(shard)!);
    }
    return new SafetensorsShards(folder, tensors, shardOf);
  } catch (error) {
    for (const shard of shards.values()) await shard.close();
    throw error;
  }
}

async function readWeightMap(file: string): Promise<Map<string, string>> {
  const expected = '{ "weight_map": { tensor: file name } }';
  let content: unknown;
  try {
    content = JSON.parse(await readText(file));
  } catch (error) {
    throw fileErrors.safetensorsIndex({ file, got: (error as Error).message, expected }, { cause: error });
  }
  const map = (content as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null)
    throw fileErrors.safetensorsIndex({ file, got: 'no weight_map', expected });
  for (const [tensor, shard] of Object.entries(map)) {
    const isPlainName = typeof shard === 'string' && !/[/\\]/.test(shard) && shard.endsWith('.safetensors');
    if (!isPlainName) throw fileErrors.safetensorsIndex({ file, got: `${tensor}: ${JSON.stringify(shard)}`, expected });
  }
  return new Map(Object.entries(map as Record<string, string>));
}

/** A tensor to be written; `data` is asked for when its turn comes, so that one tensor at a time is in memory. */
export interface TensorToWrite extends TensorInfo {
  readonly name: string;
  data(): Uint8Array | Promise<Uint8Array>;
}

/** Writes tensors as one file, whole or not at all; what its bytes sum to. @throws LLMF_CORE_NO_SPACE. */
export async function writeSafetensors(
  file: string,
  tensors: Readonly<Record<string, HostTensor>>,
  metadata?: Readonly<Record<string, string>>,
): Promise<FileSum> {
  const list = Object.entries(tensors).map(([name, { dtype, shape, data }]) => ({
    name,
    dtype,
    shape,
    data: () => data,
  }));
  return await streamSafetensors(file, list, metadata);
}

/**
 * As `writeSafetensors`, one tensor in memory at a time. `{ format: 'pt' }` is the metadata Transformers asks for.
 * @throws LLMF_CORE_SAFETENSORS_DATA when the bytes of a tensor do not fit its shape, LLMF_CORE_NO_SPACE.
 */
export async function streamSafetensors(
  file: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Promise<FileSum> {
  // Wide dtypes first keeps every tensor aligned to its element, as the reference writer does.
  const ordered = [...tensors].sort((a, b) => bytesPerElement[b.dtype] - bytesPerElement[a.dtype]);
  const summing = new Summing();
  await replaceFile(file, async (temporary) => {
    const handle = await open(temporary, 'w');
    const write = async (data: Uint8Array) => {
      summing.add(data);
      await writeAll(handle, data);
    };
    try {
      await write(encodeHeader(ordered, metadata));
      for (const tensor of ordered) {
        const data = await tensor.data();
        const expected = byteLength(tensor);
        if (data.length !== expected) {
          const facts = {
            got: `${data.length} bytes`,
            expected: `${expected} bytes for [${tensor.shape}] ${tensor.dtype}`,
          };
          throw fileErrors.safetensorsData({ tensor: tensor.name, ...facts });
        }
        await write(data);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
  return summing.sum;
}

async function opened(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r');
  } catch (error) {
    throw fileErrors.safetensorsMissing({ file, reason: (error as Error).message }, { cause: error });
  }
}

function unknownTensor(file: string, tensor: string, known: ReadonlyMap<string, unknown>): Error {
  return fileErrors.safetensorsUnknown({ file, tensor, nearest: nearest(tensor, [...known.keys()]).slice(0, 3) });
}
