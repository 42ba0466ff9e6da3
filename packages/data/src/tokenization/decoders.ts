// SPDX-License-Identifier: Apache-2.0
// How tokens become a text again, as the Rust library `tokenizers` 0.23 does. A decoder takes the tokens to new ones; the
// text is what they say together.
import { toBytes } from './byte-characters.js';
import { booleanOf, type Json, numberOf, partsOf, stringOf, UnsupportedPart } from './json.js';
import { compilePattern } from './regex.js';

export type Decoder = (tokens: readonly string[]) => string[];

const builders: Readonly<Record<string, (config: Json) => Decoder>> = {
  Sequence: (config) => {
    const steps = partsOf(config['decoders']).map(decoder);
    return (tokens) => steps.reduce((decoded, step) => step(decoded), [...tokens]);
  },
  ByteLevel: () => (tokens) => [lossyText.decode(Uint8Array.from(tokens.flatMap((token) => [...toBytes(token)])))],
  ByteFallback: () => byteFallback,
  Fuse: () => (tokens) => [tokens.join('')],
  Strip: strip,
  Replace: replace,
  Metaspace: metaspace,
  BPEDecoder: (config) => {
    const suffix = stringOf(config['suffix'], '</w>');
    return (tokens) => tokens.map((token, at) => token.replaceAll(suffix, at === tokens.length - 1 ? '' : ' '));
  },
  WordPiece: wordPiece,
  CTC: ctc,
};

const lossyText = new TextDecoder('utf-8', { ignoreBOM: true });
const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws UnsupportedPart */
export function decoder(config: Json): Decoder {
  const type = stringOf(config['type'], '');
  const build = Object.hasOwn(builders, type) ? builders[type] : undefined;
  if (build === undefined) throw new UnsupportedPart(`decoder ${type}`, 'this kind is not computed here');
  return build(config);
}

/** Bytes that stand together become a text, or as many U+FFFD as there are where they are none. */
function byteFallback(tokens: readonly string[]): string[] {
  const decoded: string[] = [];
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length > 0) decoded.push(...textOf(bytes));
    bytes = [];
  };
  for (const token of tokens) {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
    if (byte === undefined) flush();
    if (byte === undefined) decoded.push(token);
    else bytes.push(Number.parseInt(byte, 16));
  }
  flush();
  return decoded;
}

function textOf(bytes: readonly number[]): string[] {
  try {
    return [strictText.decode(Uint8Array.from(bytes))];
  } catch {
    return bytes.map(() => '\ufffd');
  }
}

function strip(config: Json): Decoder {
  const content = stringOf(config['content'], ' ');
  const most = { start: numberOf(config['start'], 0), stop: numberOf(config['stop'], 0) };
  return (tokens) =>
    tokens.map((token) => {
      const characters = [...token];
      let start = 0;
      while (start < most.start && characters[start] === content) start++;
      let end = characters.length;
      while (characters.length - end < most.stop && end > start && characters[end - 1] === content) end--;
      return characters.slice(start, end).join('');
    });
}

function replace(config: Json): Decoder {
  const find = compilePattern(config['pattern'], 'decoder Replace');
  const content = stringOf(config['content'], '');
  const rewrite = (token: string) =>
    find(token)
      .map(([start, end, isMatch]) => (isMatch ? content : token.slice(start, end)))
      .join('');
  return (tokens) => tokens.map(rewrite);
}

function metaspace(config: Json): Decoder {
  const mark = stringOf(config['replacement'], '▁');
  const isNever = config['add_prefix_space'] === false || config['prepend_scheme'] === 'never';
  return (tokens) => tokens.map((token, at) => token.replaceAll(mark, at === 0 && !isNever ? '' : ' '));
}

function wordPiece(config: Json): Decoder {
  const prefix = stringOf(config['prefix'], '##');
  const cleans = booleanOf(config['cleanup'], true);
  return (tokens) =>
    tokens.map((token, at) => {
      const joined = at === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
      return cleans ? cleanUp(joined) : joined;
    });
}

function ctc(config: Json): Decoder {
  const pad = stringOf(config['pad_token'], '<pad>');
  const delimiter = stringOf(config['word_delimiter_token'], '|');
  const cleans = booleanOf(config['cleanup'], true);
  return (tokens) =>
    tokens
      .filter((token, at) => token !== tokens[at - 1])
      .map((token) => token.replaceAll(pad, ''))
      .map((token) => (cleans ? cleanUp(token).replaceAll(delimiter, ' ') : token))
      .filter((token) => token !== '');
}

const spaced: readonly (readonly [string, string])[] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [' do not', " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

const cleanUp = (text: string) => spaced.reduce((cleaned, [from, to]) => cleaned.replaceAll(from, to), text);
