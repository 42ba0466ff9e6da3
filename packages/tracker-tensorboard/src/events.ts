// SPDX-License-Identifier: Apache-2.0
/**
 * Events as TensorBoard reads them: tensorflow/core/util/event.proto and framework/summary.proto (field numbers below),
 * each in a TFRecord: length (u64), masked CRC-32C of it (u32), the bytes, masked CRC-32C of them (u32), little-endian.
 */
import { protobuf } from '@llmf/core';
import { maskedCrc32c } from './crc32c.js';

const { delimited, double, float, integer } = protobuf;

/** Event: wall_time 1, step 2, file_version 3, summary 5, session_log 7. Seconds since 1970. */
const event = (wallTime: number, step: number, ...content: readonly Uint8Array[]): Buffer =>
  Buffer.concat([double(1, wallTime), ...(step === 0 ? [] : [integer(2, step)]), ...content]);

/** The first event of every file. */
export const fileVersion = (wallTime: number): Buffer => event(wallTime, 0, delimited(3, 'brain.Event:2'));

/** SessionLog: status 1 = START (1). What an earlier file has from this step on no longer counts. */
export const sessionStart = (wallTime: number, step: number): Buffer =>
  event(wallTime, step, delimited(7, integer(1, 1)));

/** Summary: value 1; Value: tag 1, simple_value 2. */
export const scalars = (wallTime: number, step: number, values: Readonly<Record<string, number>>): Buffer =>
  event(
    wallTime,
    step,
    delimited(5, ...Object.entries(values).map(([name, value]) => delimited(1, delimited(1, name), float(2, value)))),
  );

/** Value: tensor 8, metadata 9; TensorProto: dtype 1 = DT_STRING (7), tensor_shape 2, string_val 8. Markdown. */
export function text(wallTime: number, step: number, name: string, content: string): Buffer {
  const shape = delimited(2, delimited(2, integer(1, 1))); // one dimension of size 1
  const tensor = delimited(8, integer(1, 7), shape, delimited(8, content));
  const metadata = delimited(9, delimited(1, delimited(1, 'text'))); // SummaryMetadata.plugin_data.plugin_name
  return event(wallTime, step, delimited(5, delimited(1, delimited(1, name), tensor, metadata)));
}

export function record(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(bytes.length));
  head.writeUInt32LE(maskedCrc32c(head.subarray(0, 8)), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(maskedCrc32c(bytes));
  return Buffer.concat([head, bytes, tail]);
}
