// SPDX-License-Identifier: Apache-2.0
import type { FileHandle } from 'node:fs/promises';
import { byteLength, type HostTensor, type MapFile, type SafetensorsDtype, type TensorInfo } from '@llmf/core';
import type { StoredPacked, WeightFormat, WeightParts } from '@llmf/nn';
import type { WeightStore } from '../files/stored-weights.js';
import { ggufErrors } from './gguf-errors.js';
import { openGguf, readGgufHead, tensorBytes, type GgufHead, type GgufTensor } from './gguf-file.js';
import { kindOf, ropeFactors, transformersName, type GgufKind } from './kinds.js';
import { Metadata } from './metadata.js';

/** Tensors of plain elements, by ggml's names. */
const dtypes: Readonly<Record<string, SafetensorsDtype>> = { f32: 'F32', f16: 'F16', bf16: 'BF16' };

/**
 * The tensors of a GGUF file under Transformers' names. Blocks stay as they are, rows of q and k of a llama are put in
 * Transformers' order.
 * @param findFormat a format of blocks by ggml's name, lower case
 * @throws LLMF_MODELS_GGUF_…
 */
export async function openGgufStore(
  file: string,
  findFormat: (name: string) => WeightFormat | undefined,
): Promise<WeightStore> {
  const handle = await openGguf(file);
  try {
    return new GgufStore(file, handle, await readGgufHead(file, handle), findFormat);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Where a tensor's bytes lie, and how many rows of it belong to a head whose rows stand in pairs. */
interface Place {
  readonly name: string;
  readonly position: number;
  readonly length: number;
  readonly rows: number;
  readonly rowsOfHead: number | null;
}

class GgufStore implements WeightStore {
  readonly tensors = new Map<string, TensorInfo>();
  readonly packed = new Map<string, StoredPacked>();
  readonly metadata = {};
  private readonly places = new Map<string, Place>();

  constructor(
    private readonly file: string,
    private readonly handle: FileHandle,
    head: GgufHead,
    findFormat: (name: string) => WeightFormat | undefined,
  ) {
    const metadata = new Metadata(file, head.metadata);
    const kind = kindOf(metadata);
    for (const tensor of head.tensors.values()) {
      if (tensor.name === ropeFactors) continue;
      const name = transformersName(tensor.name);
      const rowsOfHead = rowsOfHeadOf(tensor, kind, metadata);
      const dtype = dtypes[tensor.type];
      const format = dtype === undefined ? findFormat(tensor.type) : undefined;
      const length = dtype === undefined ? this.blockBytes(tensor, format) : byteLength({ dtype, shape: tensor.shape });
      if (tensor.position + length > head.size) throw this.truncated(tensor, length, head.size);
      const { shape, position } = tensor;
      this.places.set(name, { name: tensor.name, position, length, rows: shape[0] ?? 1, rowsOfHead });
      if (dtype !== undefined) this.tensors.set(name, { dtype, shape });
      else this.packed.set(name, this.packedOf(name, tensor, format!, length));
    }
    this.checkApart();
  }

  async read(name: string): Promise<HostTensor> {
    return { ...this.tensors.get(name)!, data: await this.bytes(this.places.get(name)!) };
  }

  async map(name: string, mapFile: MapFile): Promise<HostTensor | null> {
    const data = this.mapped(this.places.get(name)!, mapFile);
    return data && { ...this.tensors.get(name)!, data };
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  /** @throws LLMF_MODELS_GGUF_BROKEN where a tensor begins before another has ended */
  private checkApart(): void {
    const inOrder = [...this.places.values()].sort((a, b) => a.position - b.position || a.length - b.length);
    for (const [index, { name, position }] of inOrder.entries()) {
      const before = inOrder[index - 1];
      if (before === undefined || before.position + before.length <= position) continue;
      const expected = `at least ${before.position + before.length}, where ${before.name} ends`;
      throw ggufErrors.ggufBroken({ file: this.file, got: `${name} at byte ${position}`, expected });
    }
  }

  private packedOf(name: string, { shape }: GgufTensor, format: WeightFormat, bytes: number): StoredPacked {
    const read = async (mapFile?: MapFile): Promise<WeightParts> => {
      const place = this.places.get(name)!;
      return { blocks: (mapFile && this.mapped(place, mapFile)) ?? (await this.bytes(place)) };
    };
    return { shape, format, bytes, read };
  }

  /** @throws LLMF_MODELS_GGUF_TENSOR for blocks that nobody knows, or rows that are no whole blocks */
  private blockBytes({ name, shape, type }: GgufTensor, format: WeightFormat | undefined): number {
    const blocks = format?.blocks;
    if (blocks === undefined) {
      throw ggufErrors.ggufTensor({ file: this.file, tensor: name, got: type, expected: 'blocks that llmf reads' });
    }
    const columns = shape.at(-1) ?? 1;
    const size = shape.reduce((product, one) => product * one, 1);
    if (columns % blocks.weights === 0 && Number.isSafeInteger(size)) return (size / blocks.weights) * blocks.bytes;
    const expected = `rows of whole blocks of ${blocks.weights}`;
    throw ggufErrors.ggufTensor({ file: this.file, tensor: name, got: `[${shape.join(', ')}] in ${type}`, expected });
  }

  private truncated({ name, position }: GgufTensor, length: number, size: number): Error {
    const facts = { got: `${size} bytes`, expected: `${position + length}: the tensor ends there` };
    return ggufErrors.ggufTruncated({ file: this.file, tensor: name, ...facts });
  }

  /** null where the rows have to be put in another order, or the backend maps nothing here. */
  private mapped({ position, length, rowsOfHead }: Place, mapFile: MapFile): Uint8Array | null {
    return rowsOfHead !== null || length === 0 ? null : mapFile(this.handle.fd, position, length);
  }

  private async bytes({ name, position, length, rows, rowsOfHead }: Place): Promise<Uint8Array> {
    const data = await tensorBytes(this.file, this.handle, { name, position }, length);
    return rowsOfHead === null ? data : halvesApart(data, rows, rowsOfHead);
  }
}

/** Rows of a head of q and k where they stand in pairs; else null. */
function rowsOfHeadOf({ name, shape }: GgufTensor, kind: GgufKind, metadata: Metadata): number | null {
  const part = /^blk\.\d+\.attn_(q|k)\.(?:weight|bias)$/.exec(name)?.[1];
  if (!kind.hasPairedRows || part === undefined) return null;
  const heads = metadata.size(`${kind.name}.attention.head_count`);
  const of = part === 'q' ? heads : metadata.size(`${kind.name}.attention.head_count_kv`, heads);
  return (shape[0] ?? 0) / of;
}

/** Each head's rows 0, 2, 4 … before its rows 1, 3, 5 …: the rotary halves that llama.cpp has in pairs. */
function halvesApart(data: Uint8Array, rows: number, rowsOfHead: number): Uint8Array {
  const result = new Uint8Array(data.length);
  const width = data.length / rows;
  const half = rowsOfHead / 2;
  for (let row = 0; row < rows; row++) {
    const within = row % rowsOfHead;
    const to = row - within + (within % 2) * half + (within >> 1);
    result.set(data.subarray(row * width, (row + 1) * width), to * width);
  }
  return result;
}
