// SPDX-License-Identifier: Apache-2.0
import { open, type FileHandle } from 'node:fs/promises';
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

/** A file, opened once; its beginning is read once and kept. @throws LLMF_VISION_FILE_MISSING, LLMF_VISION_FILE_UNREADABLE */
export async function fileSource(path: string): Promise<ByteSource> {
  const handle = await openFile(path);
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw visionErrors.fileUnreadable({ path, reason: 'it is not a file' });
    const start = await readAt(handle, 0, Math.min(firstRead, facts.size));
    return {
      name: path,
      size: facts.size,
      read: async (offset, wanted) => {
        const length = Math.max(0, Math.min(wanted, facts.size - offset)); // a damaged header may ask for gigabytes
        return offset + length <= start.length
          ? start.subarray(offset, offset + length)
          : readAt(handle, offset, length);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
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

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw visionErrors.fileMissing({ path });
    throw visionErrors.fileUnreadable({ path, reason: message });
  }
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
