// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { fileHead, framed, recordsOf } from './log-frames.js';

/** Records of these lengths, told apart by their bytes, in one file. */
function fileOf(lengths: readonly number[]): { file: Buffer; records: Buffer[]; ends: number[] } {
  const records = lengths.map((length, index) => Buffer.alloc(length, index + 1));
  const ends: number[] = [];
  let file = Buffer.from(fileHead);
  for (const record of records) {
    file = Buffer.concat([file, framed(record, file.length)]);
    ends.push(file.length);
  }
  return { file, records, ends };
}

describe('the log', () => {
  it('frames a record as wandb 0.31 does', () => {
    // head of a log of wandb 0.31.0: a chunk of type 1 whose CRC-32 is of 01 and the data "a"
    const bytes = framed(Buffer.from('a'), fileHead.length);
    expect(bytes.subarray(4).toString('hex')).toBe('01000161');
    // zlib.crc32(b'a', zlib.crc32(bytes([1]))) in Python 3.11
    expect(bytes.readUInt32LE(0)).toBe(0x62777270);
  });

  it.each([
    ['small ones', [0, 1, 100, 5000]],
    ['one over several blocks', [100_000, 3]],
    // 32768 − 7 (file) − 7 (chunk) fills the first block; 7 + 32761 the second
    ['ends of blocks', [32768 - 14, 32761, 10]],
    ['six bytes left, which no head fits in', [32768 - 14 - 6, 10]],
    ['seven bytes left, which take an empty first chunk', [32768 - 14 - 7, 10]],
  ])('gives back %s', (_name, lengths) => {
    const { file, records } = fileOf(lengths);
    const read = recordsOf(file);
    expect(read.map(({ length }) => length)).toEqual(lengths);
    expect(Buffer.concat(read).equals(Buffer.concat(records))).toBe(true);
  });

  it('has every record before the place where it was cut off', () => {
    const { file, records, ends } = fileOf([40, 40_000, 5]);
    for (let at = fileHead.length; at < file.length; at += at > 70 && at < file.length - 30 ? 2003 : 1) {
      const whole = records.slice(0, ends.filter((end) => end <= at).length);
      expect(Buffer.concat(recordsOf(file.subarray(0, at))).equals(Buffer.concat(whole))).toBe(true);
    }
  });

  it('ends before a damaged record, and is empty where it is no such file', () => {
    const { file, records, ends } = fileOf([40, 50, 60]);
    file[ends[0]! + 20]! ^= 1;
    expect(recordsOf(file)).toEqual(records.slice(0, 1));
    expect(recordsOf(Buffer.from('nothing of it'))).toEqual([]);
  });
});
