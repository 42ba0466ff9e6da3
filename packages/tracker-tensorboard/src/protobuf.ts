// SPDX-License-Identifier: Apache-2.0
/** The few wire types of protocol buffers that an event holds: https://protobuf.dev/programming-guides/encoding/ */

/** A base-128 number, least significant group first. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...bytes, rest]);
}

const tag = (field: number, wireType: 0 | 1 | 2 | 5): Buffer => varint(field * 8 + wireType);

/** int32, int64, enum; not negative. */
export const integer = (field: number, value: number): Buffer => Buffer.concat([tag(field, 0), varint(value)]);

export function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([tag(field, 1), bytes]);
}

export function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([tag(field, 5), bytes]);
}

/** A text, bytes or a message of the given parts. */
export function delimited(field: number, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'utf8') : part)));
  return Buffer.concat([tag(field, 2), varint(content.length), content]);
}
