// SPDX-License-Identifier: Apache-2.0
/** The few wire types of protocol buffers that logs of other tools hold: https://protobuf.dev/programming-guides/encoding/ */

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

/** int32, int64, enum, bool; not negative. */
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

/** A field of a message as it stands: a number of varints, bytes of everything else. */
export interface Field {
  readonly field: number;
  readonly value: number | Buffer;
}

/** Fields of a message in order. @throws RangeError where it is cut off or of a wire type that proto3 does not have */
export function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < message.length;) {
    const key = read(message, at);
    const [field, wireType] = [Math.floor(key.value / 8), key.value % 8];
    if (wireType === 0) {
      const { value, end } = read(message, key.end);
      fields.push({ field, value });
      at = end;
      continue;
    }
    const sizes: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
    const length = wireType === 2 ? read(message, key.end) : { value: sizes[wireType], end: key.end };
    if (length.value === undefined || length.end + length.value > message.length) {
      throw new RangeError(`a field of ${length.value ?? 'unknown'} bytes at ${at} of ${message.length}`);
    }
    at = length.end + length.value;
    fields.push({ field, value: message.subarray(length.end, at) });
  }
  return fields;
}

function read(bytes: Buffer, start: number): { value: number; end: number } {
  let value = 0;
  for (let at = start, factor = 1; at < bytes.length; at++, factor *= 128) {
    value += (bytes[at]! & 0x7f) * factor;
    if (bytes[at]! < 0x80) return { value, end: at + 1 };
  }
  throw new RangeError(`a number that does not end at ${start} of ${bytes.length}`);
}
