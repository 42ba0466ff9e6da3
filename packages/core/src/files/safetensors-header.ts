// SPDX-License-Identifier: Apache-2.0
import type { FileHandle } from 'node:fs/promises';
import { fileErrors } from './file-errors.js';
import { jsonOutline } from './json-keys.js';
import { byteLength, bytesPerElement, type SafetensorsDtype, type TensorInfo } from './tensor-info.js';
import { readInto } from './transfer.js';

/** A checked entry of the header: `begin` and `end` count bytes from the start of the data. */
export interface TensorPlace extends TensorInfo {
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly tensors: ReadonlyMap<string, TensorPlace>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the data begins in the file. */
  readonly dataStart: number;
}

/** The reference reader refuses longer headers. */
const longestHeader = 100_000_000;

/** An entry's shape stands at the third level; writers of metadata are given some more. */
const deepestHeader = 16;

/** Reads and checks the header of an open file. @throws LLMF_CORE_SAFETENSORS_… */
export async function parseHeader(file: string, handle: FileHandle): Promise<Header> {
  const { size } = await handle.stat();
  const text = await headerText(file, handle, size);
  const entries = headerEntries(file, text);
  const dataStart = 8 + Buffer.byteLength(text);
  const metadata = (entries['__metadata__'] ?? {}) as Record<string, string>;
  delete entries['__metadata__'];
  const tensors = new Map(Object.entries(entries).map(([name, entry]) => [name, checkedEntry(file, name, entry)]));
  checkPlaces(file, tensors, size - dataStart);
  return { tensors, metadata, dataStart };
}

/** The 8 length bytes and the JSON header, padded with blanks to a multiple of 8. */
export function encodeHeader(
  tensors: readonly (TensorInfo & { readonly name: string })[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const tensor of tensors) {
    const end = offset + byteLength(tensor);
    header[tensor.name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(8 + length, ' ');
  bytes.writeBigUInt64LE(BigInt(length), 0);
  json.copy(bytes, 8);
  return bytes;
}

async function headerText(file: string, handle: FileHandle, size: number): Promise<string> {
  if (size < 8) {
    throw fileErrors.safetensorsTruncated({
      file,
      got: `${size} bytes`,
      expected: 'at least the 8 bytes of the header length',
    });
  }
  const prefix = Buffer.alloc(8);
  await readInto(handle, prefix, 0);
  const length = Number(prefix.readBigUInt64LE(0));
  if (length > longestHeader) {
    const got = `a header length of ${length} bytes`;
    throw fileErrors.safetensorsHeader({
      file,
      got,
      expected: `at most ${longestHeader}; is this a safetensors file?`,
    });
  }
  if (8 + length > size) {
    const got = `${size} bytes`;
    throw fileErrors.safetensorsTruncated({
      file,
      got,
      expected: `at least ${8 + length}: the header says it has ${length}`,
    });
  }
  const bytes = Buffer.alloc(length);
  await readInto(handle, bytes, 8);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw fileErrors.safetensorsHeader({ file, got: 'bytes that are not UTF-8', expected: 'JSON' }, { cause: error });
  }
}

function headerEntries(file: string, text: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw fileErrors.safetensorsHeader({ file, got: (error as Error).message, expected: 'JSON' }, { cause: error });
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw fileErrors.safetensorsHeader({ file, got: text.slice(0, 20), expected: 'a JSON object' });
  }
  const { keys, depth } = jsonOutline(text);
  if (depth > deepestHeader) {
    throw fileErrors.safetensorsHeader({ file, got: `JSON of depth ${depth}`, expected: `at most ${deepestHeader}` });
  }
  const seen = new Set<string>();
  for (const name of keys) {
    if (seen.has(name)) throw fileErrors.safetensorsDuplicate({ file, tensor: name });
    seen.add(name);
  }
  return header as Record<string, unknown>;
}

function checkedEntry(file: string, tensor: string, entry: unknown): TensorPlace {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  const refuse = (key: string, value: unknown, expected: string) =>
    fileErrors.safetensorsHeader({ file, tensor, got: `${key} ${JSON.stringify(value)}`, expected });
  if (typeof dtype !== 'string') throw refuse('dtype', dtype, 'a text such as "F32"');
  if (!Object.hasOwn(bytesPerElement, dtype)) {
    throw fileErrors.safetensorsDtype({ file, tensor, got: dtype, known: Object.keys(bytesPerElement) });
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) throw refuse('shape', shape, 'a list of sizes');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw refuse('data_offsets', offsets, '[begin, end]');
  }
  const [begin, end] = offsets as [number, number];
  const info = { dtype: dtype as SafetensorsDtype, shape: shape as number[] };
  const wanted = byteLength(info);
  if (end - begin !== wanted) {
    const got = `${end - begin} bytes (${begin} to ${end})`;
    throw fileErrors.safetensorsOffsets({
      file,
      tensor,
      got,
      expected: `${wanted} bytes for [${info.shape}] ${dtype}`,
    });
  }
  return { ...info, begin, end };
}

/** Tensors fill the data exactly: no hole, no overlap, nothing left over. */
function checkPlaces(file: string, tensors: ReadonlyMap<string, TensorPlace>, dataBytes: number): void {
  const ordered = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const [tensor, { begin, end }] of ordered) {
    if (end > dataBytes) {
      const facts = { got: `${dataBytes} bytes of data`, expected: `${end}: the tensor ends there` };
      throw fileErrors.safetensorsTruncated({ file, tensor, ...facts });
    }
    if (begin !== position) {
      const problem = begin < position ? 'overlaps the tensor before it' : 'leaves a hole before it';
      const got = `begins at ${begin}, which ${problem}`;
      throw fileErrors.safetensorsOffsets({ file, tensor, got, expected: `begins at ${position}` });
    }
    position = end;
  }
  if (position !== dataBytes) {
    const facts = { got: `${dataBytes} bytes of data`, expected: `${position}, where the last tensor ends` };
    throw fileErrors.safetensorsHeader({ file, ...facts });
  }
}
