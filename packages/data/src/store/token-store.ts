// SPDX-License-Identifier: Apache-2.0
import { readSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ifThere, readBytes, readIfThere, readInto } from '@llmf/core';
import { z } from 'zod';
import type { RowSource } from '@llmf/training';
import type { EncodedParts } from '../encode/encoded-parts.js';
import { errors } from '../errors.js';
import { decodeRecord, decodeSource } from './record.js';

const count = z.int().min(0);

/** What stands beside the records: enough to know that they are whole, and everything said about the rows. */
const storeFacts = z.object({
  key: z.string(),
  rows: count,
  seen: count,
  extras: z.array(z.string()),
  /** Names of the entry's files as they were when the store was built. */
  sources: z.array(z.string()),
  recordBytes: count,
  recordsChecksum: count,
  indexChecksum: count,
  dropped: z.array(
    z.object({
      source: z.string(),
      row: count,
      action: z.enum(['dropped', 'truncated']),
      reason: z.string(),
    }),
  ),
  notices: z.array(z.string()),
});
export type StoreFacts = z.infer<typeof storeFacts>;

export const storeFiles = { records: 'rows.bin', index: 'index.bin', facts: 'facts.json' } as const;

/** Records of a small store stay in memory: asking the system for one takes longer than decoding it. */
const mostBytesInMemory = 1 << 20;

/** The tokenized rows of one data entry on disk, read by number. Of a large one only 24 bytes per row stay in memory. */
export class TokenStore {
  private constructor(
    readonly folder: string,
    readonly facts: StoreFacts,
    private readonly handle: FileHandle,
    private readonly records: Buffer | null,
    private readonly offsets: Float64Array,
    private readonly tokens: Uint32Array,
    private readonly longest: Uint32Array,
    private readonly numbers: Uint32Array,
    private readonly files: Uint32Array,
  ) {}

  get length(): number {
    return this.facts.rows;
  }

  /**
   * Opens a finished store; null where there is none or it is damaged (then it is to be built again).
   * @throws LLMF_DATA_CACHE_READ for one that may be whole, but cannot be read
   */
  static async open(folder: string, key: string): Promise<TokenStore | null> {
    try {
      return await TokenStore.#opened(folder, key);
    } catch (error) {
      throw errors.cacheRead({ folder, problem: (error as Error).message }, { cause: error });
    }
  }

  static async #opened(folder: string, key: string): Promise<TokenStore | null> {
    const facts = await readFacts(folder);
    if (facts === null || facts.key !== key) return null;
    const index = await ifThere(readBytes(join(folder, storeFiles.index)));
    if (index === null || index.length !== indexBytes(facts.rows) || crc32(index) !== facts.indexChecksum) return null;
    const handle = await ifThere(open(join(folder, storeFiles.records), 'r'));
    if (handle === null) return null;
    const records = await checkedRecords(handle, facts).catch(async (error: unknown) => {
      await handle.close();
      throw error;
    });
    if (records === 'damaged') {
      await handle.close();
      return null;
    }
    const { rows } = facts;
    const bytes = new Uint8Array(index).buffer;
    const column = (at: number) => new Uint32Array(bytes, 8 * (rows + 1) + 4 * at * rows, rows);
    const offsets = new Float64Array(bytes, 0, rows + 1);
    return new TokenStore(folder, facts, handle, records, offsets, column(0), column(1), column(2), column(3));
  }

  row(row: number): EncodedParts {
    return decodeRecord(this.#record(row), this.facts.extras);
  }

  /** What the row was. @throws LLMF_DATA_SOURCE_NOT_KEPT for rows other than prompts */
  source(row: number): RowSource {
    const source = decodeSource(this.#record(row));
    if (source === null) throw errors.sourceNotKept(this.placeOf(row));
    return source;
  }

  /** Prompt and all answers of a row. */
  tokensOf(row: number): number {
    return this.tokens[row]!;
  }

  /** Prompt and longest answer of a row. */
  longestOf(row: number): number {
    return this.longest[row]!;
  }

  /** Where a row came from: file of the entry, 1-based row number in it. */
  placeOf(row: number): { source: string; row: number } {
    return { source: this.facts.sources[this.files[row]!]!, row: this.numbers[row]! };
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  /** Read without the thread pool: the way to a thread and back takes longer than a record does. */
  #record(row: number): Buffer {
    const start = this.offsets[row]!;
    const end = this.offsets[row + 1]!;
    if (this.records !== null) return this.records.subarray(start, end);
    const record = Buffer.allocUnsafe(end - start);
    for (let done = 0; done < record.length;) {
      const bytesRead = readSync(this.handle.fd, record, done, record.length - done, start + done);
      if (bytesRead === 0) {
        throw errors.cacheLost({ path: this.folder, problem: `row ${row} could not be read whole` });
      }
      done += bytesRead;
    }
    return record;
  }
}

/** Offsets as f64, then four columns of u32: tokens, longest, row number, file. */
export const indexBytes = (rows: number) => 8 * (rows + 1) + 16 * rows;

/** null where there are none, or not what this version writes: the store is built again. */
async function readFacts(folder: string): Promise<StoreFacts | null> {
  const text = await readIfThere(join(folder, storeFiles.facts));
  try {
    return storeFacts.parse(JSON.parse(text ?? ''));
  } catch {
    return null;
  }
}

/** The records of a small store; null for a large one, which stays on the disk. */
async function checkedRecords(handle: FileHandle, facts: StoreFacts): Promise<Buffer | null | 'damaged'> {
  const { size } = await handle.stat();
  const records = size <= mostBytesInMemory ? Buffer.allocUnsafe(size) : null;
  if (records !== null && (await readInto(handle, records, 0)) < size) return 'damaged';
  const checksum = records === null ? await checksumOf(handle, size) : crc32(records);
  return size === facts.recordBytes && checksum === facts.recordsChecksum ? records : 'damaged';
}

async function checksumOf(handle: FileHandle, size: number): Promise<number> {
  const buffer = Buffer.allocUnsafe(1 << 20);
  let checksum = 0;
  for (let offset = 0; offset < size;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
    if (bytesRead === 0) return -1;
    checksum = crc32(buffer.subarray(0, bytesRead), checksum);
    offset += bytesRead;
  }
  return checksum;
}
