// SPDX-License-Identifier: Apache-2.0
import { open, type FileHandle } from 'node:fs/promises';
import { readInto } from '@llmf/core';
import { errors } from '../errors.js';
import { RowProblem } from './row-reader.js';

const chunkBytes = 1 << 20;

/** A file of UTF-8 text read by byte range. */
export class ByteFile {
  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    readonly size: number,
    /** Bytes of the byte-order mark to skip: 0 or 3. */
    readonly begin: number,
  ) {}

  static async open(path: string): Promise<ByteFile> {
    const handle = await open(path, 'r').catch((error: Error) => {
      throw errors.unreadable({ path, problem: error.message });
    });
    const { size } = await handle.stat();
    const head = Buffer.alloc(4);
    await readInto(handle, head, 0);
    if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) {
      await handle.close();
      throw errors.encoding({ path, got: 'UTF-16 (by its byte-order mark)' });
    }
    const begin = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
    return new ByteFile(path, handle, size, begin);
  }

  /** Calls `visit(bytes, offset of bytes[0])` for the whole file behind its byte-order mark; `true` ends early. */
  async scan(visit: (bytes: Uint8Array, base: number) => boolean | void): Promise<void> {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (let base = this.begin; base < this.size;) {
      const { bytesRead } = await this.handle.read(buffer, 0, chunkBytes, base);
      if (bytesRead === 0 || visit(buffer.subarray(0, bytesRead), base) === true) return;
      base += bytesRead;
    }
  }

  async bytes(start: number, end: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(end - start);
    if ((await readInto(this.handle, buffer, start)) === buffer.length) return buffer;
    throw errors.unreadable({ path: this.path, problem: 'it became shorter while it was read' });
  }

  /** 1-based line and column (in characters) of a byte offset; reads the file up to there. */
  async place(offset: number): Promise<{ line: number; column: number }> {
    let line = 1;
    let lineStart = this.begin;
    await this.scan((bytes, base) => {
      const limit = Math.min(bytes.length, offset - base);
      for (let at = bytes.indexOf(10); at !== -1 && at < limit; at = bytes.indexOf(10, at + 1)) {
        line++;
        lineStart = base + at + 1;
      }
      return base + bytes.length >= offset;
    });
    const text = (await this.bytes(lineStart, Math.max(lineStart, Math.min(offset, this.size)))).toString('utf8');
    return { line, column: [...text].length + 1 };
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 text of the bytes, or a RowProblem where they are not UTF-8. */
export function decodeRow(bytes: Uint8Array): string | RowProblem {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return new RowProblem('not UTF-8 text');
  }
}
