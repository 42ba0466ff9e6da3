// SPDX-License-Identifier: Apache-2.0
// GPT-2's printable stand-ins for the 256 bytes: printable Latin-1 stands for itself, the others follow from U+0100.
const characters: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(isPrintable ? byte : next++);
  });
})();

const bytes = new Map(characters.map((character, byte) => [character, byte]));
const utf8 = new TextEncoder();

/** The UTF-8 bytes of a text, each as its stand-in. */
export function toByteCharacters(text: string): string {
  if (/^[!-~]*$/.test(text)) return text;
  let written = '';
  for (const byte of utf8.encode(text)) written += characters[byte];
  return written;
}

/** Bytes of a token; a token that is not written in stand-ins is its own UTF-8. */
export function toBytes(token: string): Iterable<number> {
  const found: number[] = [];
  for (const character of token) {
    const byte = bytes.get(character);
    if (byte === undefined) return utf8.encode(token);
    found.push(byte);
  }
  return found;
}
