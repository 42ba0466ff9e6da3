// SPDX-License-Identifier: Apache-2.0
import { ifThere, LlmfError, makeFolder, syncFolder, temporaryName } from '@llmf/core';
import { mkdir, open, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { errors } from '../errors.js';
import { GrowableUint32 } from './growable.js';
import { indexBytes, storeFiles, TokenStore, type StoreFacts } from './token-store.js';

const flushBytes = 4 << 20;
/** Each failed one means that another process has put a store there. */
const mostAttempts = 20;

/** A run of finished records, from this thread or a worker. */
export interface RecordBlock {
  /** Records one behind the other. */
  readonly records: Uint8Array;
  /** Bytes of each. */
  readonly sizes: readonly number[];
  /** Prompt and all answers of each, in tokens. */
  readonly tokens: readonly number[];
  /** Prompt and longest answer of each, in tokens. */
  readonly longest: readonly number[];
  /** 1-based row number of each in its file. */
  readonly numbers: readonly number[];
}

/**
 * Writes a token store beside its place and moves it there when it is whole, so that a killed run leaves nothing that
 * looks finished.
 */
export class StoreWriter {
  readonly #sizes = new GrowableUint32();
  /** Tokens, longest, row number, file. */
  readonly #columns = Array.from({ length: 4 }, () => new GrowableUint32());
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #bytes = 0;
  #checksum = 0;

  private constructor(
    private readonly folder: string,
    private readonly temporary: string,
    private readonly handle: FileHandle,
  ) {}

  static async create(folder: string): Promise<StoreWriter> {
    const temporary = temporaryName(folder);
    return guard(folder, async () => {
      makeFolder(dirname(folder));
      await mkdir(temporary);
      return new StoreWriter(folder, temporary, await open(join(temporary, storeFiles.records), 'w'));
    });
  }

  async add(block: RecordBlock, file: number): Promise<void> {
    block.sizes.forEach((size, at) => {
      this.#sizes.push(size);
      const values = [block.tokens[at]!, block.longest[at]!, block.numbers[at]!, file];
      values.forEach((value, column) => this.#columns[column]!.push(value));
    });
    this.#pending.push(block.records);
    this.#pendingBytes += block.records.length;
    if (this.#pendingBytes >= flushBytes) await this.#flush();
  }

  /** Makes the store visible under its folder. */
  async finish(facts: Omit<StoreFacts, 'rows' | 'recordBytes' | 'recordsChecksum' | 'indexChecksum'>): Promise<void> {
    await guard(this.folder, async () => {
      await this.#flush();
      await this.handle.sync();
      await this.handle.close();
      const index = this.#index();
      const whole: StoreFacts = {
        ...facts,
        rows: this.#sizes.length,
        recordBytes: this.#bytes,
        recordsChecksum: this.#checksum,
        indexChecksum: crc32(index),
      };
      await writeFile(join(this.temporary, storeFiles.index), index, { flush: true });
      await writeFile(join(this.temporary, storeFiles.facts), JSON.stringify(whole), { flush: true });
      await syncFolder(this.temporary);
      await this.#appear(whole.key);
      await syncFolder(dirname(this.folder));
    });
  }

  /** Removes what was written so far. */
  async abandon(): Promise<void> {
    await this.handle.close().catch(() => undefined);
    await rm(this.temporary, { recursive: true, force: true });
  }

  /** Another process may finish the same store meanwhile: one of them stands, and a broken one gives way. */
  async #appear(key: string): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await rename(this.temporary, this.folder);
      } catch (error) {
        if (attempt === mostAttempts || !isTaken(error)) throw error;
      }
      const other = await TokenStore.open(this.folder, key);
      if (other !== null) {
        await other.close();
        return await rm(this.temporary, { recursive: true, force: true });
      }
      await removeWhole(this.folder);
    }
  }

  #index(): Buffer {
    const rows = this.#sizes.length;
    const index = new ArrayBuffer(indexBytes(rows));
    const offsets = new Float64Array(index, 0, rows + 1);
    const sizes = this.#sizes.view();
    for (let row = 0; row < rows; row++) offsets[row + 1] = offsets[row]! + sizes[row]!;
    this.#columns.forEach((column, at) =>
      new Uint32Array(index, 8 * (rows + 1) + 4 * at * rows, rows).set(column.view()),
    );
    return Buffer.from(index);
  }

  async #flush(): Promise<void> {
    if (this.#pendingBytes === 0) return;
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#checksum = crc32(bytes, this.#checksum);
    this.#bytes += bytes.length;
    await guard(this.folder, () => this.handle.appendFile(bytes));
  }
}

const isTaken = (error: unknown): boolean =>
  ['ENOTEMPTY', 'EEXIST', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');

/** First out of the way: others see a folder whole, or none. */
async function removeWhole(folder: string): Promise<void> {
  const doomed = temporaryName(folder);
  await ifThere(rename(folder, doomed)); // another process may have been faster
  await rm(doomed, { recursive: true, force: true });
}

/** Disk full, no permission: an error that says where. */
async function guard<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (LlmfError.is(error)) throw error;
    throw errors.cacheWrite({ folder, problem: (error as Error).message }, { cause: error });
  }
}
