// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { jsonText } from '@llmf/jinja';
import type { MediaMark, Message } from './example.js';

/** Equal for turns that say and show the same; whether they are learned does not matter. */
export const turnKey = ({ isMasked: _mask, media, ...message }: Message): string =>
  jsonText([message, (media ?? []).map(mediaKey)]);

/** Equal for turns with the same text; ids and other fields may differ. */
export const turnText = ({ role, content, toolCalls }: Message): string => jsonText([role, content.trim(), toolCalls]);

export const sameMessages = (a: readonly Message[], b: readonly Message[]): boolean =>
  a.length === b.length && a.every((message, at) => turnKey(message) === turnKey(b[at]!));

const mediaKey = ({ kind, at, reference, index }: MediaMark) => [
  kind,
  at,
  index ?? null,
  reference === null ? null : JSON.stringify(reference.value, bytesByHash),
];

function bytesByHash(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const given = this[key];
  return given instanceof Uint8Array ? createHash('sha256').update(given).digest('hex') : value;
}
