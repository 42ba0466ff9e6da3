// SPDX-License-Identifier: Apache-2.0
// SentencePiece's compiled table of replacements: the length of a double-array trie over UTF-8 (u32), the trie (u32 each),
// then the replacements, each ended by a zero byte. https://github.com/google/sentencepiece/blob/master/src/normalizer.cc
import { UnsupportedPart } from './json.js';

const utf8 = new TextEncoder();
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** @throws UnsupportedPart */
export function precompiled(base64: string): (text: string) => string {
  const table = readTable(Buffer.from(base64, 'base64'));
  const known = new Map<string, string | null>();
  const find = (part: string): string | null => {
    let found = known.get(part);
    if (found === undefined) known.set(part, (found = table(part)));
    return found;
  };
  const isPlain = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).every((c) => find(c) === null);
  return (text) => {
    const rewrite = (part: string) => {
      let rewritten = '';
      for (const { segment } of graphemes.segment(part)) rewritten += replaceGrapheme(segment, find);
      return rewritten;
    };
    return isPlain ? text.replace(aroundOthers, rewrite) : rewrite(text);
  };
}

/** Whatever is not plain ASCII, with the plain character that a mark behind it would belong to. */
const aroundOthers = /[ -~]?[^ -~]+/g;

/** A short grapheme is looked up whole, then by its characters. */
function replaceGrapheme(grapheme: string, find: (part: string) => string | null): string {
  const whole = Buffer.byteLength(grapheme) < 6 ? find(grapheme) : null;
  if (whole !== null) return whole;
  let rewritten = '';
  for (const character of grapheme) rewritten += find(character) ?? character;
  return rewritten;
}

/** What the shortest entry that begins the part becomes; null without one. */
function readTable(bytes: Buffer): (part: string) => string | null {
  const trieBytes = bytes.length >= 4 ? bytes.readUInt32LE(0) : -1;
  if (trieBytes < 0 || trieBytes % 4 !== 0 || trieBytes + 4 > bytes.length)
    throw new UnsupportedPart('normalizer Precompiled', 'its table is cut short');
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, at) => bytes.readUInt32LE(4 + 4 * at));
  const replacements = bytes.subarray(4 + trieBytes);
  return (part) => {
    const at = shortestEntry(units, utf8.encode(part));
    if (at === null) return null;
    const end = replacements.indexOf(0, at);
    return replacements.toString('utf8', at, end < 0 ? replacements.length : end);
  };
}

function shortestEntry(units: Uint32Array, key: Uint8Array): number | null {
  let node = offsetOf(units[0] ?? 0);
  for (const byte of key) {
    if (byte === 0) return null;
    node ^= byte;
    const unit = units[node] ?? 0;
    if ((unit & 0x800000ff) >>> 0 !== byte) return null;
    node ^= offsetOf(unit);
    if (((unit >>> 8) & 1) === 1) return (units[node] ?? 0) & 0x7fffffff;
  }
  return null;
}

const offsetOf = (unit: number) => ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0;
