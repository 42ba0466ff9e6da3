// SPDX-License-Identifier: Apache-2.0
/**
 * The file `run-ID.wandb`: seven bytes of its own, then records in LevelDB's log format
 * (https://github.com/google/leveldb/blob/main/doc/log_format.md): blocks of 32 KiB of chunks, each with CRC-32 (IEEE here,
 * of type and data), length (u16), type (1 whole, 2 first, 3 middle, 4 last), little-endian. What no chunk's head fits in
 * at the end of a block is zeros. Offsets count from the file's beginning.
 */
import { crc32 } from 'node:zlib';

/** `:W&B`, 0xBEE1, version 0. */
export const fileHead = Buffer.from([0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0x00]);

const blockBytes = 32768;
const headBytes = 7;
const kinds = { whole: 1, first: 2, middle: 3, last: 4 };

/** What is to be appended to a file of `at` bytes so that it holds this record too. */
export function framed(record: Uint8Array, at: number): Buffer {
  const parts: Buffer[] = [];
  let start = 0;
  let offset = at;
  let isFirst = true;
  for (;;) {
    const left = blockBytes - (offset % blockBytes);
    if (left < headBytes) {
      parts.push(Buffer.alloc(left));
      offset += left;
      continue;
    }
    const data = record.subarray(start, start + left - headBytes);
    const isLast = start + data.length === record.length;
    const type = isFirst ? (isLast ? kinds.whole : kinds.first) : isLast ? kinds.last : kinds.middle;
    parts.push(chunk(type, data));
    offset += headBytes + data.length;
    start += data.length;
    isFirst = false;
    if (isLast) return Buffer.concat(parts);
  }
}

function chunk(type: number, data: Uint8Array): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(checksum(type, data));
  head.writeUInt16LE(data.length, 4);
  head[6] = type;
  return Buffer.concat([head, data]);
}

/** zlib takes a missing buffer, which one of no bytes can be, for a wish to begin anew. */
const checksum = (type: number, data: Uint8Array): number =>
  data.length === 0 ? crc32(Uint8Array.of(type)) : crc32(data, crc32(Uint8Array.of(type)));

/** The whole records of a file, up to the first that a kill or a full disk cut off or damaged. */
export function recordsOf(file: Buffer): Buffer[] {
  const records: Buffer[] = [];
  if (!file.subarray(0, fileHead.length).equals(fileHead)) return records;
  let parts: Buffer[] = [];
  for (let at = fileHead.length; at < file.length;) {
    const left = blockBytes - (at % blockBytes);
    if (left < headBytes) {
      at += left;
      continue;
    }
    if (at + headBytes > file.length) break;
    const length = file.readUInt16LE(at + 4);
    const type = file[at + 6]!;
    const data = file.subarray(at + headBytes, at + headBytes + length);
    if (data.length < length || file.readUInt32LE(at) !== checksum(type, data)) break;
    at += headBytes + length;
    parts = type === kinds.whole || type === kinds.first ? [data] : [...parts, data];
    if (type === kinds.whole || type === kinds.last) records.push(Buffer.concat(parts));
  }
  return records;
}
