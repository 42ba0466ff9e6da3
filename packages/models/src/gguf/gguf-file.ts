// SPDX-License-Identifier: Apache-2.0
/**
 * The head of a GGUF file: magic, version, counts, metadata, places of tensors; then the tensors' bytes, each at a multiple
 * of the alignment. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Nothing in it is believed before it
 * is checked against the file's size.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { ByteCursor } from './byte-cursor.js';
import { ggufErrors } from './gguf-errors.js';
import { ggmlTypes } from './gguf-types.js';

export type GgufValue = string | number | boolean | readonly GgufValue[];
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

/** A tensor of the file, its bytes not looked at. */
export interface GgufTensor {
  readonly name: string;
  /** Row-major: the file writes it from the innermost size on. */
  readonly shape: readonly number[];
  /** ggml's name of its type, lower case: `q4_k`; or its number where nobody knows one. */
  readonly type: string;
  /** From the start of the file. */
  readonly position: number;
}

export interface GgufHead {
  readonly metadata: GgufMetadata;
  /** By the file's names, in file order. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  readonly size: number;
}

/** @throws LLMF_MODELS_GGUF_BROKEN */
export async function openGguf(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r');
  } catch (error) {
    const got = (error as Error).message;
    throw ggufErrors.ggufBroken({ file, got, expected: 'a file that can be read' }, { cause: error });
  }
}

/** The bytes of a tensor. @throws LLMF_MODELS_GGUF_TRUNCATED */
export async function tensorBytes(
  file: string,
  handle: FileHandle,
  { name, position }: Pick<GgufTensor, 'name' | 'position'>,
  length: number,
): Promise<Uint8Array> {
  const data = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(data, done, Math.min(pieceBytes, length - done), position + done);
    if (bytesRead === 0) {
      const facts = { got: `${position + done} bytes`, expected: `${position + length}: the tensor ends there` };
      throw ggufErrors.ggufTruncated({ file, tensor: name, ...facts });
    }
    done += bytesRead;
  }
  return data;
}

/** One system call moves less than 2 GiB. */
const pieceBytes = 2 ** 30;

/** Most dimensions of a tensor, as ggml has them. */
const mostDimensions = 4;
/** Bytes that the least key or tensor takes: lengths, type and an empty name. */
const leastKeyBytes = 13;
const leastTensorBytes = 24;

/** Reads the head of a file. @throws LLMF_MODELS_GGUF_BROKEN, LLMF_MODELS_GGUF_TRUNCATED */
export async function readGgufHead(file: string, handle: FileHandle): Promise<GgufHead> {
  const { size } = await handle.stat();
  const reader = new HeadReader(file, handle, size);
  const magic = (await reader.cursor.bytes(4)).toString('latin1');
  if (magic !== 'GGUF') throw reader.broken(`the first bytes ${JSON.stringify(magic)}`, '"GGUF"');
  const version = await reader.u32();
  if (version !== 2 && version !== 3) throw reader.broken(`version ${version}`, 'version 2 or 3, little-endian');
  const tensorCount = await reader.count('tensors', leastTensorBytes);
  const keyCount = await reader.count('keys of metadata', leastKeyBytes);
  const metadata = new Map<string, GgufValue>();
  for (let index = 0; index < keyCount; index++) {
    const key = await reader.text();
    if (metadata.has(key)) throw reader.broken(`the key ${key} twice`, 'each key once');
    metadata.set(key, await reader.value(await reader.u32(), 0));
  }
  const tensors = new Map<string, GgufTensor>();
  for (let index = 0; index < tensorCount; index++) {
    const tensor = await reader.tensor();
    if (tensors.has(tensor.name)) throw reader.broken(`the tensor ${tensor.name} twice`, 'each tensor once');
    tensors.set(tensor.name, tensor);
  }
  return { metadata, tensors: placed(reader, metadata, tensors), size };
}

/** Tensors whose `position` counts from the start of the data, as from the start of the file. */
function placed(
  reader: HeadReader,
  metadata: GgufMetadata,
  tensors: ReadonlyMap<string, GgufTensor>,
): Map<string, GgufTensor> {
  const alignment = alignmentOf(reader, metadata);
  const dataStart = Math.ceil(reader.cursor.position / alignment) * alignment;
  const entries = [...tensors].map(([name, tensor]) => {
    if (tensor.position % alignment === 0) return [name, { ...tensor, position: dataStart + tensor.position }] as const;
    throw reader.broken(`${name} at ${tensor.position}`, `places at multiples of the alignment ${alignment}`);
  });
  return new Map(entries);
}

function alignmentOf(reader: HeadReader, metadata: GgufMetadata): number {
  const stated = metadata.get('general.alignment') ?? 32;
  const isPower = typeof stated === 'number' && stated >= 1 && stated <= 2 ** 20 && Number.isInteger(Math.log2(stated));
  if (!isPower) throw reader.broken(`general.alignment ${String(stated)}`, 'a power of two');
  return stated;
}

/** Fixed-size values by the number of their type (gguf.md, gguf_metadata_value_type). */
const scalars: Readonly<Record<number, readonly [bytes: number, read: (bytes: Buffer) => GgufValue]>> = {
  0: [1, (bytes) => bytes.readUInt8()],
  1: [1, (bytes) => bytes.readInt8()],
  2: [2, (bytes) => bytes.readUInt16LE()],
  3: [2, (bytes) => bytes.readInt16LE()],
  4: [4, (bytes) => bytes.readUInt32LE()],
  5: [4, (bytes) => bytes.readInt32LE()],
  6: [4, (bytes) => bytes.readFloatLE()],
  7: [1, (bytes) => bytes.readUInt8() !== 0],
  10: [8, (bytes) => Number(bytes.readBigUInt64LE())],
  11: [8, (bytes) => Number(bytes.readBigInt64LE())],
  12: [8, (bytes) => bytes.readDoubleLE()],
};
const [stringType, arrayType] = [8, 9];
/** Arrays in arrays; files have none. */
const deepestArray = 4;

class HeadReader {
  readonly cursor: ByteCursor;

  constructor(
    private readonly file: string,
    handle: FileHandle,
    size: number,
  ) {
    this.cursor = new ByteCursor(handle, size, (position, wanted) =>
      ggufErrors.ggufTruncated({ file, got: `${size} bytes`, expected: `at least ${position + wanted}` }),
    );
  }

  broken(got: string, expected: string): Error {
    return ggufErrors.ggufBroken({ file: this.file, got, expected });
  }

  async u32(): Promise<number> {
    return (await this.cursor.bytes(4)).readUInt32LE();
  }

  async u64(): Promise<number> {
    return Number((await this.cursor.bytes(8)).readBigUInt64LE());
  }

  /** How many of something follow; no more than the rest of the file has room for. */
  async count(what: string, leastBytes: number): Promise<number> {
    const count = await this.u64();
    const most = Math.floor(this.cursor.left / leastBytes);
    if (count > most) throw this.broken(`${count} ${what}`, `at most ${most}: the file ends before more`);
    return count;
  }

  async text(): Promise<string> {
    const length = await this.u64();
    const bytes = await this.cursor.bytes(length);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.broken(`bytes at ${this.cursor.position - length} that are not UTF-8`, 'text');
    }
  }

  async value(type: number, depth: number): Promise<GgufValue> {
    const scalar = scalars[type];
    if (scalar !== undefined) return scalar[1](await this.cursor.bytes(scalar[0]));
    if (type === stringType) return await this.text();
    if (type !== arrayType) throw this.broken(`a value of type ${type}`, 'types 0 to 12');
    if (depth >= deepestArray) throw this.broken('arrays within arrays', `at most ${deepestArray} levels`);
    return await this.array(depth);
  }

  private async array(depth: number): Promise<GgufValue[]> {
    const type = await this.u32();
    const scalar = scalars[type];
    const least = scalar?.[0] ?? (type === stringType ? 8 : 12);
    const length = await this.count('elements of an array', least);
    const values: GgufValue[] = [];
    if (scalar === undefined) {
      for (let index = 0; index < length; index++) values.push(await this.value(type, depth + 1));
      return values;
    }
    const [width, read] = scalar;
    const bytes = await this.cursor.bytes(length * width);
    for (let index = 0; index < length; index++) values.push(read(bytes.subarray(index * width)));
    return values;
  }

  /** Its position counts from the start of the data. */
  async tensor(): Promise<GgufTensor> {
    const name = await this.text();
    const dimensions = await this.u32();
    if (dimensions > mostDimensions)
      throw this.broken(`${name} of ${dimensions} dimensions`, `at most ${mostDimensions}`);
    const shape: number[] = [];
    for (let index = 0; index < dimensions; index++) shape.unshift(await this.u64());
    const type = await this.u32();
    return { name, shape, type: ggmlTypes.get(type) ?? `type ${type}`, position: await this.u64() };
  }
}
