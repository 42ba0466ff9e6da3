// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { visionErrors } from '../errors.js';

/** Random access to the bytes of one image, wherever they lie. */
export interface ByteSource {
  /** For messages: the path, or what the bytes came from. */
  readonly name: string;
  readonly size: number;
  /** Up to `length` bytes from `offset`; fewer only at the end. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Most headers lie whole in the first read. */
const firstRead = 4096;

/**
 * A file, opened once; its beginning is read once and kept. Read without the thread pool: for ten thousand headers the
 * way to a thread and back takes longer than the reading.
 * @throws LLMF_VISION_FILE_MISSING, LLMF_VISION_FILE_UNREADABLE
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const file = openFile(path);
  try {
    const facts = fstatSync(file);
    if (!facts.isFile()) throw visionErrors.fileUnreadable({ path, reason: 'it is not a file' });
    const start = readAt(file, 0, Math.min(firstRead, facts.size));
    return {
      name: path,
      size: facts.size,
      read: async (offset, wanted) => {
        const length = Math.max(0, Math.min(wanted, facts.size - offset)); // a damaged header may ask for gigabytes
        return offset + length <= start.length ? start.subarray(offset, offset + length) : readAt(file, offset, length);
      },
      close: async () => closeSync(file),
    };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Bytes in memory: a data URL, a parquet cell, a fetched body. */
export function memorySource(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    size: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
    close: () => Promise.resolve(),
  };
}

/** All bytes of a source. */
export const readAll = (source: ByteSource): Promise<Uint8Array> => source.read(0, source.size);

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw visionErrors.fileMissing({ path });
    throw visionErrors.fileUnreadable({ path, reason: message });
  }
}

function readAt(file: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const bytesRead = readSync(file, bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
