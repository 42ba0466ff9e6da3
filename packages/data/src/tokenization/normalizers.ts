// SPDX-License-Identifier: Apache-2.0
// How a text is rewritten before it is cut, as the Rust library `tokenizers` 0.23 does.
import { toByteCharacters } from './byte-characters.js';
import { booleanOf, type Json, partsOf, stringOf, UnsupportedPart } from './json.js';
import { precompiled } from './precompiled.js';
import { compilePattern } from './regex.js';
import { controls, inClass, marks, nonspacingMarks, unknownToForms } from './unicode-tables.js';

export type Normalizer = (text: string) => string;

const builders: Readonly<Record<string, (config: Json) => Normalizer>> = {
  Sequence: (config) => {
    const steps = partsOf(config['normalizers']).map(normalizer);
    return (text) => steps.reduce((rewritten, step) => step(rewritten), text);
  },
  NFC: () => form('NFC'),
  NFD: () => form('NFD'),
  NFKC: () => form('NFKC'),
  NFKD: () => form('NFKD'),
  Lowercase: () => lowercase,
  Strip: strip,
  StripAccents: () => (text) => text.replace(everyMark, ''),
  Replace: replace,
  Prepend: (config) => {
    const before = stringOf(config['prepend'], '');
    return (text) => (text === '' ? text : before + text);
  },
  ByteLevel: () => toByteCharacters,
  Nmt: () => nmt,
  Precompiled: (config) => precompiled(stringOf(config['precompiled_charsmap'], '')),
  BertNormalizer: bert,
};

/** @throws UnsupportedPart */
export function normalizer(config: Json): Normalizer {
  const type = stringOf(config['type'], '');
  const build = Object.hasOwn(builders, type) ? builders[type] : undefined;
  if (build === undefined) throw new UnsupportedPart(`normalizer ${type}`, 'this kind is not computed here');
  return build(config);
}

const everyMark = new RegExp(`[${marks}]`, 'gu');
const everyAccent = new RegExp(`[${nonspacingMarks}]`, 'gu');
const everyControl = new RegExp(`[${controls}]`, 'gu');
const unknown = new RegExp(`([${unknownToForms}])`, 'u');

/** A normalization form of Unicode; characters that the library's table does not know stay and join with nothing. */
function form(name: 'NFC' | 'NFD' | 'NFKC' | 'NFKD'): Normalizer {
  return (text) => {
    if (!unknown.test(text)) return text.normalize(name);
    const parts = text.split(unknown);
    return parts.map((part, at) => (at % 2 === 1 ? part : part.normalize(name))).join('');
  };
}

const decompose = form('NFD');

/** Character by character: a sigma at the end of a word becomes σ, not ς. */
function lowercase(text: string): string {
  if (!text.includes('Σ')) return text.toLowerCase();
  return text
    .split('Σ')
    .map((part) => part.toLowerCase())
    .join('σ');
}

function strip(config: Json): Normalizer {
  const left = booleanOf(config['strip_left'], true);
  const right = booleanOf(config['strip_right'], true);
  return (text) => {
    const trimmed = left ? text.replace(/^\p{White_Space}+/u, '') : text;
    return right ? trimmed.slice(0, endWithoutSpace(trimmed)) : trimmed;
  };
}

function endWithoutSpace(text: string): number {
  let end = text.length;
  while (end > 0 && /\p{White_Space}/u.test(text.charAt(end - 1))) end--;
  return end;
}

function replace(config: Json): Normalizer {
  const find = compilePattern(config['pattern'], 'normalizer Replace');
  const content = stringOf(config['content'], '');
  return (text) => {
    let rewritten = '';
    for (const [start, end, isMatch] of find(text)) rewritten += isMatch ? content : text.slice(start, end);
    return rewritten;
  };
}

const nmtControls = new RegExp(`[${inClass('1-8 b e-1f 7f 8f 9f')}]`, 'gu');

/** SentencePiece's rules for spaces and controls: https://github.com/google/sentencepiece/blob/master/doc/normalization.md */
const nmt: Normalizer = (text) =>
  text
    .replace(nmtControls, '')
    .replace(/[\t\n\f\r\u{1680}\u{200b}-\u{200f}\u{2028}\u{2029}\u{2581}\u{feff}\u{fffd}]/gu, ' ');

const chinese =
  /[\u{4e00}-\u{9fff}\u{3400}-\u{4dbf}\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{f900}-\u{faff}\u{2f800}-\u{2fa1f}]/gu;

function bert(config: Json): Normalizer {
  const lowers = booleanOf(config['lowercase'], true);
  const steps: Normalizer[] = [];
  if (booleanOf(config['clean_text'], true))
    steps.push((text) => text.replace(everyControl, '').replace(/\p{White_Space}/gu, ' '));
  if (booleanOf(config['handle_chinese_chars'], true)) steps.push((text) => text.replace(chinese, ' $& '));
  if (booleanOf(config['strip_accents'], lowers)) steps.push((text) => decompose(text).replace(everyAccent, ''));
  if (lowers) steps.push(lowercase);
  return (text) => steps.reduce((rewritten, step) => step(rewritten), text);
}
