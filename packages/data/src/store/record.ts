// SPDX-License-Identifier: Apache-2.0
import { endianness } from 'node:os';
import type { EncodedResponse, ResponseRole, RowSource } from '@llmf/training';
import { type EncodedParts, storedTokens } from '../encode/encoded-parts.js';

/**
 * One row in binary, in the machine's byte order: a header, the extras, prompt ids, then per answer its ids and one mask
 * bit per token, at the end media and, of a prompt row, what it was as JSON.
 *   header: u32 answers, u32 prompt tokens, u32 media bytes, u32 source bytes, f64 weight, u32 labels, 4 bytes   (32 bytes)
 *   extras: f64 × names · answer heads: u32 role, u32 tokens · labels f32 × L · prompt i32 × P · per answer i32 × A,
 *   bits ⌈A/8⌉ · media · source
 */
export const recordVersion = `4-${endianness()}`;

const roles: readonly ResponseRole[] = [
  'response',
  'chosen',
  'rejected',
  'desirable',
  'undesirable',
  'anchor',
  'positive',
  'negative',
];
const headerBytes = 32;

/** @param source what the row was, as JSON, where it is kept */
export function encodeRecord(row: EncodedParts, extras: readonly string[], source = ''): Buffer {
  const media = row.media.length === 0 ? Buffer.alloc(0) : Buffer.from(JSON.stringify(row.media, bytesAsText));
  const columns = Buffer.from(source);
  const heads = headerBytes + 8 * extras.length + 8 * row.responses.length;
  const masks = row.responses.reduce((sum, { ids }) => sum + Math.ceil(ids.length / 8), 0);
  const labels = row.labels ?? new Float32Array(0);
  const numbers = 4 * (labels.length + storedTokens(row));
  const record = Buffer.alloc(heads + numbers + masks + media.length + columns.length);
  new Uint32Array(record.buffer, record.byteOffset, 4).set([
    row.responses.length,
    row.prompt.length,
    media.length,
    columns.length,
  ]);
  record.writeDoubleLE(row.weight, 16);
  new Uint32Array(record.buffer, record.byteOffset + 24, 1).set([labels.length]);
  extras.forEach((name, at) => record.writeDoubleLE(row.extras[name] ?? Number.NaN, headerBytes + 8 * at));
  row.responses.forEach(({ role, ids }, at) => {
    const offset = headerBytes + 8 * extras.length + 8 * at;
    new Uint32Array(record.buffer, record.byteOffset + offset, 2).set([roles.indexOf(role), ids.length]);
  });
  let offset = heads;
  const put = (bytes: Uint8Array) => {
    record.set(bytes, offset);
    offset += bytes.length;
  };
  put(bytesOf(labels));
  put(bytesOf(row.prompt));
  for (const { ids, counted } of row.responses) {
    put(bytesOf(ids));
    put(packBits(counted));
  }
  put(media);
  put(columns);
  return record;
}

/** What the row was before it became tokens; null where the record does not keep it. */
export function decodeSource(record: Buffer): RowSource | null {
  const [bytes] = new Uint32Array(record.buffer.slice(record.byteOffset + 12, record.byteOffset + 16));
  if (bytes === 0) return null;
  return JSON.parse(record.toString('utf8', record.length - bytes!)) as RowSource;
}

export function decodeRecord(record: Buffer, extras: readonly string[]): EncodedParts {
  const aligned = Buffer.alloc(record.length);
  record.copy(aligned);
  const words = (offset: number, count: number) => new Uint32Array(aligned.buffer, aligned.byteOffset + offset, count);
  const [answers, promptTokens, mediaBytes] = words(0, 3) as unknown as [number, number, number];
  const headsEnd = headerBytes + 8 * extras.length + 8 * answers;
  let offset = headsEnd;
  const take = (bytes: number) => {
    const part = aligned.subarray(offset, offset + bytes);
    offset += bytes;
    return part;
  };
  const [labelCount] = words(24, 1) as unknown as [number];
  const labels = labelCount === 0 ? {} : { labels: new Float32Array(idsOf(take(4 * labelCount)).buffer) };
  const prompt = idsOf(take(4 * promptTokens));
  const responses: EncodedResponse[] = [];
  for (let at = 0; at < answers; at++) {
    const [role, tokens] = words(headsEnd - 8 * (answers - at), 2) as unknown as [number, number];
    const ids = idsOf(take(4 * tokens));
    responses.push({ ids, counted: unpackBits(take(Math.ceil(tokens / 8)), tokens), role: roles[role]! });
  }
  const media = mediaBytes === 0 ? [] : (JSON.parse(take(mediaBytes).toString('utf8'), textAsBytes) as unknown[]);
  const numbers = extras.map((name, at) => [name, aligned.readDoubleLE(headerBytes + 8 * at)] as const);
  const weight = aligned.readDoubleLE(16);
  return { prompt, responses, weight, extras: Object.fromEntries(numbers), media, ...labels };
}

const bytesKey = '\u0000base64';

/** Pictures may stand in the row as bytes. */
function bytesAsText(this: unknown, key: string, value: unknown): unknown {
  const given = (this as Record<string, unknown>)[key]; // before a Buffer's own toJSON
  return given instanceof Uint8Array ? { [bytesKey]: Buffer.from(given).toString('base64') } : value;
}

function textAsBytes(_: string, value: unknown): unknown {
  const text = typeof value === 'object' && value !== null && (value as Record<string, unknown>)[bytesKey];
  return typeof text === 'string' ? new Uint8Array(Buffer.from(text, 'base64')) : value;
}

const bytesOf = (ids: Int32Array | Float32Array) => new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);

function idsOf(bytes: Uint8Array): Int32Array {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return new Int32Array(copy.buffer);
}

function packBits(flags: Uint8Array): Uint8Array {
  const bits = new Uint8Array(Math.ceil(flags.length / 8));
  for (let at = 0; at < flags.length; at++) if (flags[at] === 1) bits[at >> 3]! |= 1 << (at & 7);
  return bits;
}

function unpackBits(bits: Uint8Array, count: number): Uint8Array {
  const flags = new Uint8Array(count);
  for (let at = 0; at < count; at++) flags[at] = (bits[at >> 3]! >> (at & 7)) & 1;
  return flags;
}
