// SPDX-License-Identifier: Apache-2.0
import type { FileHandle } from 'node:fs/promises';

/** Read ahead at a time. */
const pieceBytes = 2 ** 20;

/** Reads a file from front to back, never beyond its end. */
export class ByteCursor {
  private piece = Buffer.alloc(0);
  private start = 0;

  constructor(
    private readonly handle: FileHandle,
    readonly size: number,
    /** Makes the error of a file that ends too early. */
    private readonly truncated: (position: number, wanted: number) => Error,
  ) {}

  /** Bytes read until now. */
  position = 0;

  get left(): number {
    return this.size - this.position;
  }

  async bytes(count: number): Promise<Buffer> {
    if (count > this.left) throw this.truncated(this.position, count);
    const offset = this.position - this.start;
    if (offset + count > this.piece.length) await this.fill(Math.max(count, Math.min(pieceBytes, this.left)));
    const from = this.position - this.start;
    this.position += count;
    return this.piece.subarray(from, from + count);
  }

  private async fill(count: number): Promise<void> {
    const piece = Buffer.alloc(count);
    let done = 0;
    while (done < count) {
      const { bytesRead } = await this.handle.read(piece, done, count - done, this.position + done);
      if (bytesRead === 0) throw this.truncated(this.position, count);
      done += bytesRead;
    }
    this.piece = piece;
    this.start = this.position;
  }
}
