// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { crc32 as zlibCrc32 } from 'node:zlib';

/** CRC-32 of what came before and these bytes. zlib begins anew where there are none. */
export const crc32 = (bytes: Uint8Array | string, before = 0): number =>
  bytes.length === 0 ? before : zlibCrc32(bytes, before);

/** What shows that a file still holds the bytes that were written. */
export interface FileSum {
  readonly bytes: number;
  readonly crc32: number;
}

/** Why a file cannot be believed; who reads it gives it a code. */
export class Damage extends Error {}

/** Sums pieces in their order. */
export class Summing {
  bytes = 0;
  crc32 = 0;

  add(piece: Uint8Array): void {
    this.bytes += piece.length;
    this.crc32 = crc32(piece, this.crc32);
  }

  get sum(): FileSum {
    const { bytes, crc32: value } = this;
    return { bytes, crc32: value };
  }
}

/** @throws as the file system does */
export async function fileSum(file: string): Promise<FileSum> {
  const summing = new Summing();
  for await (const piece of createReadStream(file, { highWaterMark: 1 << 20 })) summing.add(piece as Buffer);
  return summing.sum;
}
