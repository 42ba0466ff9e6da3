// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { crc32c, maskedCrc32c } from './crc32c.js';
import { fileVersion, record, scalars, sessionStart, text } from './events.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('crc32c', () => {
  it('is the check value of the Castagnoli polynomial for "123456789"', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  it('is that of 32 zero bytes (RFC 3720, B.4)', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  });

  it('is rotated by 15 bits and moved by a constant where it is masked', () => {
    const crc = 0xe3069283;
    expect(maskedCrc32c(Buffer.from('123456789'))).toBe((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  });
});

describe('an event', () => {
  it('begins with its time as a double', () => {
    const event = fileVersion(1.5);
    expect(hex(event.subarray(0, 9))).toBe('09000000000000f83f'); // field 1, wire type 1; 1.5
    expect(event.subarray(9).toString('latin1')).toBe('\x1a\x0dbrain.Event:2'); // field 3, 13 bytes
  });

  it('holds its scalars by name', () => {
    // step 300 = varint ac02; summary (5) { value (1) { tag (1) "a", simple_value (2) 1.0 } }
    expect(hex(scalars(0, 300, { a: 1 }))).toBe(`090000000000000000${'10ac02'}2a0a0a080a0161150000803f`);
  });

  it('marks a new session from its step on', () => {
    expect(hex(sessionStart(0, 5))).toBe('09000000000000000010053a020801');
  });

  it('holds a text with the name of the plugin that shows it', () => {
    const event = text(0, 1, 'config', 'x').toString('latin1');
    expect(event).toContain('config');
    expect(event).toContain('text');
  });

  it('stands in a record between its length and its checksum', () => {
    const bytes = record(Buffer.from('123456789'));
    expect(bytes.readBigUInt64LE(0)).toBe(9n);
    expect(bytes.readUInt32LE(8)).toBe(maskedCrc32c(bytes.subarray(0, 8)));
    expect(bytes.subarray(12, 21).toString()).toBe('123456789');
    expect(bytes.readUInt32LE(21)).toBe(maskedCrc32c(Buffer.from('123456789')));
    expect(bytes).toHaveLength(25);
  });
});
