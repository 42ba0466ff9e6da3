// SPDX-License-Identifier: Apache-2.0
import type { Vocabulary } from './model.js';

const utf8 = new TextEncoder();
const names = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);

/** A text as tokens of its UTF-8 bytes (`byte_fallback`); null when one of the bytes has no token. */
export function byteIds(text: string, vocabulary: Vocabulary): number[] | null {
  const ids: number[] = [];
  for (const byte of utf8.encode(text)) {
    const id = vocabulary.id(names[byte] as string);
    if (id === undefined) return null;
    ids.push(id);
  }
  return ids;
}
