// SPDX-License-Identifier: Apache-2.0
// How a normalized text is cut into the pieces that the model sees, as the Rust library `tokenizers` 0.23 does.
import { toByteCharacters } from './byte-characters.js';
import { booleanOf, type Json, numberOf, partsOf, stringOf, UnsupportedPart } from './json.js';
import { divide, type Piece } from './piece.js';
import { compilePattern, findRegex, type FindSpans, type Span, withoutNewer } from './regex.js';
import { behaviorOf, cut, type SplitBehavior } from './split.js';
import { punctuation } from './unicode-tables.js';

export type PreTokenizer = (piece: Piece) => Piece[];

const builders: Readonly<Record<string, (config: Json) => PreTokenizer>> = {
  Sequence: (config) => sequence(partsOf(config['pretokenizers']).map(preTokenizer)),
  ByteLevel: byteLevel,
  Metaspace: metaspace,
  Split: splitByPattern,
  Whitespace: () => cutting(invert(withoutNewer(findRegex(words))), 'Removed'),
  WhitespaceSplit: () => cutting(findRegex(/\p{White_Space}/gu), 'Removed'),
  BertPreTokenizer: () =>
    sequence([cutting(findRegex(/\p{White_Space}/gu), 'Removed'), cutting(findRegex(punctuated), 'Isolated')]),
  Punctuation: (config) =>
    cutting(findRegex(punctuated), behaviorOf(config['behavior'] ?? 'Isolated', 'pre_tokenizer Punctuation')),
  Digits: (config) =>
    cutting(findRegex(/\p{N}/gu), booleanOf(config['individual_digits'], false) ? 'Isolated' : 'Contiguous'),
  CharDelimiterSplit: (config) => cutting(findRegex(characterOf(config['delimiter'])), 'Removed'),
  FixedLength: (config) => fixedLength(numberOf(config['length'], 5)),
};

const punctuated = new RegExp(`[${punctuation}]`, 'gu');

/** The words of the Rust crate `regex`: its `\w` is Unicode's. */
const words =
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu;

const gpt2Words =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** @throws UnsupportedPart */
export function preTokenizer(config: Json): PreTokenizer {
  const type = stringOf(config['type'], '');
  const build = Object.hasOwn(builders, type) ? builders[type] : undefined;
  if (build === undefined) throw new UnsupportedPart(`pre_tokenizer ${type}`, 'this kind is not computed here');
  return build(config);
}

const sequence = (steps: readonly PreTokenizer[]): PreTokenizer => {
  return (piece) => steps.reduce<Piece[]>((pieces, step) => pieces.flatMap(step), [piece]);
};

const cutting = (find: FindSpans, behavior: SplitBehavior): PreTokenizer => {
  return (piece) => divide(piece, cut(piece.text, find(piece.text), behavior));
};

const invert =
  (find: FindSpans): FindSpans =>
  (text) =>
    find(text).map(([start, end, isMatch]): Span => [start, end, !isMatch]);

function splitByPattern(config: Json): PreTokenizer {
  const find = compilePattern(config['pattern'], 'pre_tokenizer Split');
  const behavior = behaviorOf(config['behavior'], 'pre_tokenizer Split');
  return cutting(booleanOf(config['invert'], false) ? invert(find) : find, behavior);
}

function byteLevel(config: Json): PreTokenizer {
  const addsSpace = booleanOf(config['add_prefix_space'], true);
  const find = withoutNewer(findRegex(gpt2Words));
  const divided = booleanOf(config['use_regex'], true)
    ? (text: string) => cut(text, find(text), 'Isolated')
    : (text: string) => [text];
  return (piece) => {
    const text = addsSpace && !piece.text.startsWith(' ') ? ` ${piece.text}` : piece.text;
    return divide(piece, divided(text).map(toByteCharacters));
  };
}

function metaspace(config: Json): PreTokenizer {
  const mark = stringOf(config['replacement'], '▁');
  const scheme = config['add_prefix_space'] === false ? 'never' : stringOf(config['prepend_scheme'], 'always');
  const find = findRegex(characterOf(mark));
  const splits = booleanOf(config['split'], true);
  return (piece) => {
    const text = piece.text.replaceAll(' ', mark);
    const isMarked = text.startsWith(mark) || scheme === 'never' || (scheme === 'first' && !piece.isFirst);
    const marked = isMarked ? text : mark + text;
    return divide(piece, splits ? cut(marked, find(marked), 'MergedWithNext') : [marked]);
  };
}

function fixedLength(length: number): PreTokenizer {
  if (!(length >= 1)) throw new UnsupportedPart('pre_tokenizer FixedLength', `its length is ${length}`);
  return (piece) => {
    const characters = [...piece.text];
    const count = Math.ceil(characters.length / length);
    const part = (at: number) => characters.slice(at * length, (at + 1) * length).join('');
    return divide(
      piece,
      Array.from({ length: count }, (_, at) => part(at)),
    );
  };
}

const characterOf = (character: unknown) =>
  new RegExp(`\\u{${(stringOf(character, ' ').codePointAt(0) ?? 32).toString(16)}}`, 'gu');
